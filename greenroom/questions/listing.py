"""Lists of questions: a page of what the caller may see, or of what waits for moderators."""

import struct

import msgspec
from msgspec import Struct, UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.errors import Forbidden, NotFound
from greenroom.kit.wire import PageLimit, sent
from greenroom.questions import queries
from greenroom.questions.kept import KeptQuestion, Viewer, as_listed
from greenroom.questions.queries import Order
from greenroom.questions.schemas import QuestionFilters, QuestionList, QuestionStatus
from greenroom.questions.service import Questions
from greenroom.sessions.service import brand_of, known_id_in

PLACE = struct.Struct(">iq")  # the votes, negated: most votes come first; then the order in which they were asked
BEFORE_ALL: dict[Order, tuple[int, int]] = {"top": (-(2**31), 0), "new": (0, 2**63 - 1), "old": (0, 0)}


class Wanted(Struct, frozen=True, kw_only=True):
    """Which questions, in which order, from which place on, and how many at most."""

    status: QuestionStatus | None
    order: Order
    cursor: str | None
    limit: int


async def listed(there: Questions, caller: Caller, session_id: str, filters: QuestionFilters) -> QuestionList:
    """A page of the questions that the caller may see.

    Who votes meanwhile may move a question from one page to another. Raises ValidationFailed, NotFound, Forbidden.
    """
    wanted = Wanted(
        status=sent(filters.status),
        order="top" if isinstance(filters.sort, UnsetType) else filters.sort,
        cursor=sent(filters.cursor),
        limit=sent(filters.limit) or PageLimit.USUAL,
    )
    return await _page(there, caller, session_id, wanted)


async def waiting(there: Questions, caller: Caller, session_id: str, *, cursor: str | None, limit: int) -> QuestionList:
    """A page of what waits for moderators, those that wait longest first. Raises ValidationFailed, NotFound, Forbidden."""
    return await _page(there, caller, session_id, Wanted(status="pending", order="old", cursor=cursor, limit=limit))


async def _page(there: Questions, caller: Caller, session_id: str, wanted: Wanted) -> QuestionList:
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    status, order, limit = wanted.status, wanted.order, wanted.limit
    name = msgspec.json.encode(["questions", brand, known_id, status, order]).decode()
    after = BEFORE_ALL[order]
    if wanted.cursor is not None:
        after = PLACE.unpack(there.cursors.open(wanted.cursor, of=name))
    page = await queries.page(there.db, brand, known_id, caller, status=status, sort=order, after=after, rows=limit + 1)
    if page is None:
        raise NotFound("There is no such session.")
    if status is not None and not page.is_moderator:
        raise Forbidden("status: only the session's host, a co-host or manage:live may choose by it.")
    viewer = Viewer(caller.user, page.is_moderator, page.hides_askers)
    shown = page.rows[:limit]
    return QuestionList(
        [as_listed(kept, viewer) for kept in shown],
        None if len(page.rows) <= limit else there.cursors.seal(_place_of(shown[-1], order), of=name),
    )


def _place_of(kept: KeptQuestion, order: Order) -> bytes:
    return PLACE.pack(-kept.vote_count if order == "top" else 0, kept.position)

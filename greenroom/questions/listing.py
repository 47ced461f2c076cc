"""Lists of questions: a page of what the caller may see."""

import struct

import msgspec
from msgspec import UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.errors import Forbidden, NotFound
from greenroom.kit.wire import PageLimit, sent
from greenroom.questions import queries
from greenroom.questions.kept import KeptQuestion, Viewer, as_listed
from greenroom.questions.schemas import QuestionFilters, QuestionList, QuestionStatus, Sort
from greenroom.questions.service import Questions
from greenroom.sessions.service import brand_of, known_id_in

PLACE = struct.Struct(">iq")  # the votes, negated: most votes come first; then the order in which they were asked
BEFORE_ALL: dict[Sort, tuple[int, int]] = {"top": (-(2**31), 0), "new": (0, 2**63 - 1)}


async def listed(there: Questions, caller: Caller, session_id: str, filters: QuestionFilters) -> QuestionList:
    """A page of the questions that the caller may see.

    Who votes meanwhile may move a question from one page to another. Raises ValidationFailed, NotFound, Forbidden.
    """
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    status: QuestionStatus | None = sent(filters.status)
    sort: Sort = "top" if isinstance(filters.sort, UnsetType) else filters.sort
    name = msgspec.json.encode(["questions", brand, known_id, status, sort]).decode()
    after = BEFORE_ALL[sort]
    if not isinstance(filters.cursor, UnsetType):
        after = PLACE.unpack(there.cursors.open(filters.cursor, of=name))
    limit = sent(filters.limit) or PageLimit.USUAL
    page = await queries.page(there.db, brand, known_id, caller, status=status, sort=sort, after=after, rows=limit + 1)
    if page is None:
        raise NotFound("There is no such session.")
    if status is not None and not page.is_moderator:
        raise Forbidden("status: only the session's host, a co-host or manage:live may choose by it.")
    viewer = Viewer(caller.user, page.is_moderator, page.hides_askers)
    shown = page.rows[:limit]
    return QuestionList(
        [as_listed(kept, viewer) for kept in shown],
        None if len(page.rows) <= limit else there.cursors.seal(_place_of(shown[-1], sort), of=name),
    )


def _place_of(kept: KeptQuestion, sort: Sort) -> bytes:
    return PLACE.pack(-kept.vote_count if sort == "top" else 0, kept.position)

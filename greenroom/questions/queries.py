"""The SQL of questions. The functions called here are in migrations/0013_questions.sql."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database, Row
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId, SessionId, UserId
from greenroom.questions.kept import KeptQuestion
from greenroom.questions.schemas import QuestionStatus, Sort

ROW_COLUMNS = ", ".join(f"q.{name}" for name in KeptQuestion.__struct_fields__ if name not in {"is_pinned", "has_voted"})

ASK = "select * from ask_question_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"

MODERATE = "select * from moderate_question_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

PIN = "select * from pin_question_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"

VOTE = "select place, outcome, votes from vote_v1($1, $2, $3, $4, $5, $6, $7)"

# A status stands in the statement itself, so that the planner knows how many there are of it. Those that only moderators and
# the asker see are read for moderators from all, for the asker from what that person asked.
OF_STATUS: dict[QuestionStatus, str] = {
    "approved": "q.status = 'approved'",
    "answered": "q.status = 'answered'",
    "pending": "q.status = 'pending' and s.is_moderator",
    "dismissed": "q.status = 'dismissed' and s.is_moderator",
}
ONES_OWN = "q.status in ('pending', 'dismissed') and not s.is_moderator"
OF_ASKER = """(select w.* from questions w
    where w.brand_id = $1 and w.session_id = $2 and w.asker_user_id = $3 offset 0)"""  # by that index and no other

Order = Sort | Literal["old"]

ORDERS: dict[Order, tuple[str, str]] = {  # which come after a place, and the order
    "top": ("(-q.vote_count, q.position) > ($5::integer, $6::bigint)", "-q.vote_count, q.position"),
    "new": ("q.position < $6::bigint and $5::integer = 0", "q.position desc"),
    "old": ("q.position > $6::bigint and $5::integer = 0", "q.position"),
}


class Act(Struct, frozen=True, kw_only=True):
    """What somebody does to a question."""

    session: SessionId
    brand: BrandId
    question: UUID
    by: Caller
    request_id: RequestId
    event_id: UUID
    unpinned_event_id: UUID


class Asking(Struct, frozen=True, kw_only=True):
    """What somebody asks. `most`: open questions of one person, unless the settings say otherwise."""

    id: UUID
    session: SessionId
    brand: BrandId
    body: str
    most: int
    by: Caller
    request_id: RequestId
    event_id: UUID
    key: IdempotencyKey | None


class Voting(Struct, frozen=True, kw_only=True, gc=False):
    """A vote that is given, or taken back (`wants` is False)."""

    question: UUID
    user: UserId
    manages: bool
    wants: bool


class Outcome(Struct, frozen=True):
    """How it went, whether the caller moderates, and the question, when there is one to show."""

    how: str
    is_moderator: bool
    question: KeptQuestion | None


class Counted(Struct, frozen=True, gc=False):
    """How a vote went, and how many the question has now."""

    how: str
    votes: int | None


class Page(Struct, frozen=True):
    """Some of the questions that somebody may see, in order, and how they may be seen."""

    is_moderator: bool
    hides_askers: bool
    rows: list[KeptQuestion]


async def ask(db: Database, it: Asking) -> Outcome:
    """created | too_many | barred | invalid_status | no_seat | at_capacity | not_found | replayed | key_in_progress
    | key_mismatch."""
    row = await db.row(
        ASK, it.brand, it.session, it.id, it.body, it.most,
        it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id, *_claim(it.key),
    )  # fmt: skip
    return _outcome(row)


async def moderate(db: Database, it: Act, status: QuestionStatus | None) -> Outcome:
    """moderated | unchanged | question_status | not_moderator | no_question | not_found."""
    row = await db.row(
        MODERATE, it.brand, it.session, it.question, status,
        it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id, it.unpinned_event_id,
    )  # fmt: skip
    return _outcome(row)


async def pin(db: Database, it: Act, *, pins: bool, key: IdempotencyKey | None) -> Outcome:
    """pinned | unpinned | unchanged | question_status | invalid_status | forbidden | no_question | not_found | replayed
    | key_in_progress | key_mismatch."""
    row = await db.row(
        PIN, it.brand, it.session, it.question, pins,
        it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id, it.unpinned_event_id, *_claim(key),
    )  # fmt: skip
    return _outcome(row)


async def vote(db: Database, brand: BrandId, session: SessionId, event_id: UUID, them: Sequence[Voting]) -> list[Counted]:
    """voted | question_status | barred | invalid_status | no_seat | at_capacity | no_question | not_found, for each."""
    columns = zip(*((it.question, it.user, it.manages, it.wants) for it in them), strict=True)
    rows = await db.rows(VOTE, brand, session, *columns, event_id)
    return [Counted(how, votes) for _, how, votes in sorted(rows, key=lambda row: int(row[0]))]


async def page(
    db: Database, brand: BrandId, session: SessionId, by: Caller, *,
    status: QuestionStatus | None, sort: Order, after: tuple[int, int], rows: int,
) -> Page | None:  # fmt: skip
    """The questions after a place, of those that the caller may see; None when there is no such session."""
    found = await db.rows(_page(status, sort), brand, session, by.user, by.manages, *after, rows)
    if not found:
        return None
    is_moderator, hides_askers, *_ = found[0]
    return Page(is_moderator, hides_askers, [KeptQuestion(*columns) for _, _, *columns in found if columns[0] is not None])


def _page(status: QuestionStatus | None, sort: Order) -> str:
    after, order = ORDERS[sort]
    wanted = [("questions", holds) for holds in (OF_STATUS.values() if status is None else [OF_STATUS[status]])]
    if status is None:
        wanted.append((OF_ASKER, ONES_OWN))
    rows = " union all ".join(
        f"""(select q.* from {source} q
    where q.brand_id = $1 and q.session_id = $2 and {holds} and {after}
    order by {order} limit $7)"""  # noqa: S608  # texts of ours; what a caller sent goes as an argument
        for source, holds in wanted
    )
    return f"""
select s.is_moderator, s.hides_askers, q.* from (
    select x.brand_id, x.pinned_question_id, moderates_v1(x, $3, $4) as is_moderator,
        setting_of_v1(x, 'anonymous', 'true')::boolean as hides_askers
    from sessions x where x.brand_id = $1 and x.id = $2
) s left join lateral (
    select {ROW_COLUMNS}, coalesce(q.id = s.pinned_question_id, false) as is_pinned,
        exists (select from votes v where v.brand_id = $1 and v.question_id = q.id and v.user_id = $3 offset 0) as has_voted
    from ({rows}) q order by {order} limit $7
) q on true"""  # noqa: S608  # texts of ours


def _claim(key: IdempotencyKey | None) -> tuple[bytes | None, int | None, bytes | None]:
    return (None, None, None) if key is None else (key.scope, key.lock, key.body_hash)


def _outcome(row: Row | None) -> Outcome:
    if row is None:
        raise AssertionError("a function of questions always answers one row")
    how, *columns, is_moderator = row
    return Outcome(how, bool(is_moderator), None if columns[0] is None else KeptQuestion(*columns))

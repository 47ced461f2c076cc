"""The plans of the list of questions, and what asking, moderating, pinning and voting read, on a database large enough for
the planner to choose as in production: none reads a big table from one end to the other, each little more than it needs."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from uuid import UUID

import pytest

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import MANAGE_LIVE
from greenroom.kit.database import Database
from greenroom.kit.ids import ClientId, RequestId, SessionId, UserId, new_id
from greenroom.questions import queries
from greenroom.questions.listing import BEFORE_ALL
from greenroom.questions.queries import Act, Asking, Order, Voting
from greenroom.questions.schemas import QuestionStatus
from tests.plans import MODES, Statement, plan_of, sent_by
from tests.postgres import Cluster, Owner, TestDatabase, big_database
from tests.questions.big import BRAND, BUSY, HUGE, ONE_IN, QUESTIONS, SMALL, VOTES_EACH, fill, in_huge

BIG = {"sessions", "registrations", "questions", "votes"}
ROWS = 101  # as many as a page may ask for
STATUSES: tuple[QuestionStatus | None, ...] = ("pending", "approved", "dismissed", "answered", None)
PLACES: dict[Order, dict[str, tuple[int, int]]] = {
    "top": {
        "first": BEFORE_ALL["top"],
        "in the middle": (-VOTES_EACH // 2, QUESTIONS // 2),
        "among those without votes": (0, QUESTIONS // 2),
        "at the end": (0, QUESTIONS),
    },
    "new": {"first": BEFORE_ALL["new"], "in the middle": (0, QUESTIONS // 2), "at the end": (0, 1)},
    "old": {"first": BEFORE_ALL["old"], "in the middle": (0, QUESTIONS // 2), "at the end": (0, QUESTIONS)},
}

APPROVED, PENDING = in_huge(20 * 777 + 13), in_huge(20 * 777 + 1)
TOUCHED = """
select relname, seq_tup_read, coalesce(idx_tup_fetch, 0) as fetched from pg_stat_xact_user_tables
where relname = any ($1) and (seq_scan > 0 or idx_scan > 0)
"""


def caller(user: str, *, manages: bool = False) -> Caller:
    scopes = frozenset({MANAGE_LIVE}) if manages else frozenset[str]()
    return Caller(user=UserId(user), client=ClientId("test"), brand=BRAND, scopes=scopes)


HOST, MANAGER, ONE, NOBODY = caller("host_1"), caller("x", manages=True), caller("asker_7"), caller("nobody")
PARTICIPANTS = {"who asked much": caller(BUSY), "who asked": ONE, "who asked nothing": NOBODY}


async def pages(session: SessionId, by: Caller) -> dict[str, Statement]:
    """Every list of a session's questions: in every order, of each status and of all, at several places."""
    return {
        f"{sort} {status} {place}": await sent_by(
            partial(queries.page, brand=BRAND, session=session, by=by, status=status, sort=sort, after=after, rows=ROWS)
        )
        for sort, places in PLACES.items()
        for status in STATUSES
        for place, after in places.items()
    }


async def every_statement() -> dict[str, Statement]:
    """All lists. A new one is added here."""
    them = {"host": HOST, "manager": MANAGER, **PARTICIPANTS}
    return {
        f"{size}: {who} {name}": sent
        for size, session in (("huge", HUGE), ("small", SMALL))
        for who, by in them.items()
        for name, sent in (await pages(session, by)).items()
    }


@pytest.fixture(scope="module")
def big(cluster: Cluster) -> Iterator[TestDatabase]:
    with big_database(cluster, fill) as database:
        yield database


per_mode = pytest.mark.parametrize("mode", MODES)


@per_mode
async def test_no_list_reads_a_big_table_from_one_end_to_the_other(planner: Owner, mode: str) -> None:
    plans = {name: await plan_of(planner, sent, mode=mode, runs=False) for name, sent in (await every_statement()).items()}
    assert {name: plan.read_whole & BIG for name, plan in plans.items() if plan.read_whole & BIG} == {}


@per_mode
@pytest.mark.parametrize("session", [HUGE, SMALL], ids=["huge", "small"])
@pytest.mark.parametrize("by", [HOST, MANAGER], ids=["the host", "who manages"])
async def test_a_moderators_page_reads_no_more_of_each_status_than_it_has_room_for(
    planner: Owner, mode: str, session: SessionId, by: Caller
) -> None:
    sent = await pages(session, by)
    plans = {name: await plan_of(planner, one, mode=mode) for name, one in sent.items()}
    read = {name: plan.rows_read("questions") for name, plan in plans.items()}
    most = {name: ROWS * (4 if " None " in name else 1) for name in read}
    assert {name: rows for name, rows in read.items() if rows > most[name]} == {}
    assert {name: rows for name, plan in plans.items() if (rows := plan.rows_read("votes")) > ROWS} == {}
    assert session == SMALL or read["new pending first"] == read["top approved first"] == ROWS  # else there was nothing to read


@per_mode
@pytest.mark.parametrize("by", PARTICIPANTS.values(), ids=PARTICIPANTS.keys())
async def test_a_participants_page_reads_what_was_let_through_and_ones_own(planner: Owner, mode: str, by: Caller) -> None:
    sent = await pages(HUGE, by)
    plans = {name: await plan_of(planner, sent[name], mode=mode) for name in sent if " None " in name}
    own = {BUSY: QUESTIONS // ONE_IN, ONE.user: 5}.get(by.user, 0)
    read = {name: plan.rows_read("questions") for name, plan in plans.items()}
    assert {name: rows for name, rows in read.items() if rows > 2 * ROWS + own} == {}
    assert {name: rows for name, plan in plans.items() if (rows := plan.rows_read("votes")) > ROWS} == {}


@per_mode
@pytest.mark.parametrize("status", ["pending", "dismissed"])
async def test_a_status_that_is_for_moderators_makes_the_database_read_nothing_for_others(
    planner: Owner, mode: str, status: str
) -> None:
    sent = await pages(HUGE, NOBODY)
    plans = {name: await plan_of(planner, one, mode=mode) for name, one in sent.items() if f" {status} " in name}
    assert {name: rows for name, plan in plans.items() if (rows := plan.rows_read("questions"))} == {}
    assert len(plans) == sum(map(len, PLACES.values()))


@per_mode
@pytest.mark.parametrize(("index", "name"), [
    ("questions_by_votes", "top approved in the middle"), ("questions_by_status", "new answered in the middle"),
])  # fmt: skip
async def test_without_its_index_a_page_reads_more(remaker: Owner, mode: str, index: str, name: str) -> None:
    """The negative control: what these tests measure is what the indexes do."""
    statement = (await pages(HUGE, HOST))[name]
    before = (await plan_of(remaker, statement, mode=mode)).rows_read("questions")
    await remaker.execute(f"drop index {index}")
    assert before <= ROWS < (await plan_of(remaker, statement, mode=mode)).rows_read("questions")


@per_mode
async def test_a_table_that_is_read_whole_is_noticed(planner: Owner, mode: str) -> None:
    plan = await plan_of(planner, Statement("select * from questions where body = $1", ("x",)), mode=mode)
    assert (plan.read_whole, plan.rows_read("questions") > ROWS) == ({"questions"}, True)


def act_on(question: UUID, by: Caller) -> Act:
    return Act(
        session=HUGE, brand=BRAND, question=question, by=by, request_id=RequestId("planned"),
        event_id=new_id(), unpinned_event_id=new_id(),
    )  # fmt: skip


def asking(by: Caller) -> Asking:
    return Asking(
        id=new_id(), session=HUGE, brand=BRAND, body="Why?", most=100, by=by, request_id=RequestId("planned"),
        event_id=new_id(), key=None,
    )  # fmt: skip


PEOPLE = 64


def voting(*, wants: bool) -> Callable[[Database], Awaitable[object]]:
    """A batch of votes of many people."""
    users = [UserId(f"asker_{number}") for number in range(1, PEOPLE + 1)]
    them = [Voting(question=APPROVED, user=user, manages=False, wants=wants) for user in users]
    return partial(queries.vote, brand=BRAND, session=HUGE, event_id=new_id(), them=them)


# What is done, and how many rows of each big table it may look at.
DONE: dict[str, tuple[Callable[[Database], Awaitable[object]], int]] = {
    "a question is asked": (partial(queries.ask, it=asking(ONE)), 10),
    "a question is refused": (partial(queries.ask, it=asking(NOBODY)), 10),
    "a question is approved": (partial(queries.moderate, it=act_on(PENDING, HOST), status="approved"), 10),
    "a pinned question is dismissed": (partial(queries.moderate, it=act_on(in_huge(13), HOST), status="dismissed"), 10),
    "a question is pinned": (partial(queries.pin, it=act_on(APPROVED, HOST), pins=True, key=None), 10),
    "votes are given": (voting(wants=True), 3 * PEOPLE),
    "votes are taken back": (voting(wants=False), 3 * PEOPLE),
}


@pytest.mark.parametrize("name", DONE)
async def test_what_is_done_to_a_question_reads_few_rows(remaker: Owner, name: str) -> None:
    query, most = DONE[name]
    statement = await sent_to(query)
    await remaker.fetch(statement.sql, *statement.arguments)
    touched = {row["relname"]: row for row in await remaker.fetch(TOUCHED, sorted(BIG))}
    assert {table: row["seq_tup_read"] for table, row in touched.items() if row["seq_tup_read"]} == {}
    assert {table: row["fetched"] for table, row in touched.items() if row["fetched"] > most} == {}
    assert "sessions" in touched


async def sent_to(query: Callable[[Database], Awaitable[object]]) -> Statement:
    """The statement of a query that minds that no row is answered."""

    async def minded(db: Database) -> None:
        with suppress(AssertionError):
            await query(db)

    return await sent_by(minded)

"""The plans of every list of registrations, on a database large enough for the planner to choose as in production: none reads a
big table from one end to the other, and each reads little more than it shows."""

from collections.abc import Iterator
from functools import partial
from hashlib import md5
from uuid import UUID

import pytest

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import MANAGE_LIVE
from greenroom.kit.ids import ClientId, SessionId, UserId
from greenroom.registrations import queries
from greenroom.registrations.listing import BEFORE_ALL, LOOKED_THROUGH
from greenroom.registrations.schemas import RegistrationStatus
from tests.plans import MODES, Statement, plan_of, sent_by
from tests.postgres import Cluster, Owner, TestDatabase, big_database
from tests.registrations.big import BEFORE_BUSY, BRAND, BUSY, HUGE, IN_BUSY_LISTS, IN_LINE, LEFT, SEATS, SMALL, fill, in_huge

BIG = {"sessions", "registrations"}
ROWS = 101  # as many as a page may ask for
STATUSES: tuple[RegistrationStatus | None, ...] = ("registered", "waitlist", "cancelled", None)
PLACES = {
    "first": 0,
    "among those who left": LEFT // 2,
    "in the middle": LEFT + SEATS // 2,
    "at the end": SEATS + LEFT + IN_LINE,
}


SOMEBODY = UUID(md5(b"huge 1", usedforsecurity=False).hexdigest())


def caller(user: str, *, manages: bool = False) -> Caller:
    scopes = frozenset({MANAGE_LIVE}) if manages else frozenset[str]()
    return Caller(user=UserId(user), client=ClientId("test"), brand=BRAND, scopes=scopes)


async def pages(session: SessionId, by: Caller) -> dict[str, Statement]:
    """Every list of a session's registrations: of each status and of all, at several places."""
    return {
        f"{status} {place}": await sent_by(
            partial(queries.page, brand=BRAND, session=session, by=by, status=status, after=after, rows=ROWS)
        )
        for status in STATUSES
        for place, after in PLACES.items()
    }


async def desks_lists(session: SessionId, by: Caller) -> dict[str, Statement]:
    """The lists that a host looks through, with places in line: of everybody, and of those who are sought."""
    of = partial(queries.people, brand=BRAND, session=session, by=by, rows=ROWS)
    return {
        f"{status} {place} {text}": await sent_by(
            partial(of, status=status, text=text, after=after, until=after + LOOKED_THROUGH)
        )
        for status in STATUSES
        for place, after in PLACES.items()
        for text in (None, "patient", "nobody")
    }


async def own_lists() -> dict[str, Statement]:
    """What one person is shown of oneself."""
    is_over, turn, after = BEFORE_ALL
    everywhere = partial(queries.of_person_anywhere, brand=BRAND, is_over=is_over, turn=turn, after=after, rows=ROWS)
    return {
        "of a busy person": await sent_by(partial(everywhere, user=BUSY)),
        "of nobody": await sent_by(partial(everywhere, user=UserId("nobody"))),
        "own, first in line": await sent_by(
            partial(queries.of_person, brand=BRAND, session=HUGE, user=in_huge(LEFT + SEATS + 1))
        ),
        "own, a seat": await sent_by(partial(queries.of_person, brand=BRAND, session=HUGE, user=in_huge(LEFT + 1))),
        "own, given up": await sent_by(partial(queries.of_person, brand=BRAND, session=HUGE, user=in_huge(1))),
        "own, of a small session": await sent_by(partial(queries.of_person, brand=BRAND, session=SMALL, user=in_huge(3))),
        "own, nobody's": await sent_by(partial(queries.of_person, brand=BRAND, session=HUGE, user=UserId("nobody"))),
        "a guest": await sent_by(partial(queries.guest, brand=BRAND, session=HUGE, registration=SOMEBODY)),
    }


async def every_statement() -> dict[str, Statement]:
    """All lists. A new one is added here."""
    host = caller("host_1")
    huge = {f"huge: {name}": sent for name, sent in (await pages(HUGE, host)).items()}
    small = {f"small: {name}": sent for name, sent in (await pages(SMALL, host)).items()}
    looked_through = {f"desk: {name}": sent for name, sent in (await desks_lists(HUGE, host)).items()}
    return {**huge, **small, **looked_through, **await own_lists()}


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
async def test_a_search_reads_no_more_than_it_may_look_through_and_the_line_once(planner: Owner, mode: str) -> None:
    sent = await desks_lists(HUGE, caller("host_1"))
    read = {name: (await plan_of(planner, one, mode=mode)).rows_read("registrations") for name, one in sent.items()}
    most = {name: LOOKED_THROUGH + (IN_LINE if "cancelled" not in name else 0) + 4 * ROWS for name in read}
    assert {name: rows for name, rows in read.items() if rows > most[name]} == {}
    assert read["cancelled first nobody"] == LOOKED_THROUGH == LEFT  # else nothing was looked through


@per_mode
@pytest.mark.parametrize("session", [HUGE, SMALL], ids=["huge", "small"])
@pytest.mark.parametrize("by", [caller("host_1"), caller("somebody", manages=True)], ids=["the host", "who manages"])
async def test_a_page_reads_no_more_of_each_status_than_it_has_room_for(
    planner: Owner, mode: str, session: SessionId, by: Caller
) -> None:
    read = {
        name: (await plan_of(planner, sent, mode=mode)).rows_read("registrations")
        for name, sent in (await pages(session, by)).items()
    }
    most = {name: ROWS * (len(STATUSES) - 1 if name.startswith("None") else 1) for name in read}
    assert {name: rows for name, rows in read.items() if rows > most[name]} == {}
    assert session == SMALL or read["waitlist first"] == ROWS  # else there was nothing to read


@per_mode
async def test_who_may_not_see_the_list_makes_the_database_read_none_of_it(planner: Owner, mode: str) -> None:
    sent = await pages(HUGE, caller("somebody"))
    read = {name: (await plan_of(planner, one, mode=mode)).rows_read("registrations") for name, one in sent.items()}
    assert set(read.values()) == {0}


@per_mode
async def test_ones_own_lists_read_ones_own_rows_alone(planner: Owner, mode: str) -> None:
    lists = await own_lists()
    read = {name: (await plan_of(planner, sent, mode=mode)).rows_read("registrations") for name, sent in lists.items()}
    assert read.pop("of a busy person") <= 2 * IN_BUSY_LISTS + BEFORE_BUSY + 1
    assert {name: rows for name, rows in read.items() if rows > 3} == {}


@per_mode
async def test_the_sessions_of_a_persons_list_are_read_by_key(planner: Owner, mode: str) -> None:
    plan = await plan_of(planner, (await own_lists())["of a busy person"], mode=mode)
    assert 0 < plan.rows_read("sessions") <= 2 * IN_BUSY_LISTS


@per_mode
@pytest.mark.parametrize(("index", "name"), [
    ("registrations_waiting", "waitlist in the middle"), ("registrations_seated", "None at the end"),
])  # fmt: skip
async def test_without_its_index_a_page_reads_more(remaker: Owner, mode: str, index: str, name: str) -> None:
    """The negative control: what these tests measure is what the indexes do."""
    statement = (await pages(HUGE, caller("host_1")))[name]
    before = (await plan_of(remaker, statement, mode=mode)).rows_read("registrations")
    await remaker.execute(f"drop index {index}")
    assert before <= 3 * ROWS < (await plan_of(remaker, statement, mode=mode)).rows_read("registrations")


@per_mode
async def test_a_table_that_is_read_whole_is_noticed(planner: Owner, mode: str) -> None:
    plan = await plan_of(planner, Statement("select * from registrations where registered_by = $1", ("x",)), mode=mode)
    assert (plan.read_whole, plan.rows_read("registrations") > ROWS) == ({"registrations"}, True)

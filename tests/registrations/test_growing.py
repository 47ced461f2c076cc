"""A storm: a table that was small when the planner last looked at it is large now.

The functions of registrations still read a few rows for each person, though their plans were made when there was little to
read.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import asyncpg
import pytest
from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.ids import BrandId, ClientId, RequestId, SessionId, UserId, new_id
from greenroom.registrations import queries
from greenroom.registrations.queries import Cancelling, Registering
from tests.plans import Statement, sent_by
from tests.postgres import Cluster, Owner, fresh_database

BRAND = BrandId("acme")
HOST = "host_1"
BATCH = 64
SEATS = 100
CROWD = 12_000
MOST = 12  # rows that may be looked at for one person, whatever becomes of them

# Nobody looks at the tables again after this.
STILL = """
alter table registrations set (autovacuum_enabled = off);
alter table sessions set (autovacuum_enabled = off);
analyze sessions, registrations;
"""
SESSION = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, created_at, updated_at)
values ($1, $2, $3, 'Rush', 'live', now(), $4, now(), now())
"""
# As the functions would leave it: some have left, the seats are taken, and the others wait.
GROW = """
with them as (
    insert into registrations (brand_id, id, session_id, user_id, status, position, admission, capacity_at_admission,
                               registered_at, registered_by, cancelled_at)
    select $1, gen_random_uuid(), $2, 'early_' || n, it.status, s.next_position - 1 + n,
        case when it.status <> 'waitlist' then s.next_admission - 1 + n end, case when it.status <> 'waitlist' then $3 end,
        now(), 'early_' || n, case when it.status = 'cancelled' then now() end
    from sessions s cross join generate_series(1, $4::integer) n
    cross join lateral (
        select case when n <= $4::integer / 3 then 'cancelled'
                    when n <= $4::integer / 3 + $3 - s.registered_count then 'registered'
                    else 'waitlist' end as status
    ) it
    where s.brand_id = $1 and s.id = $2
    returning status
)
update sessions set
    registered_count = $3,
    waitlist_count = waitlist_count + (select count(*) from them where status = 'waitlist'),
    next_position = next_position + $4::integer,
    next_admission = next_admission + (select count(*) from them where status <> 'waitlist')
where brand_id = $1 and id = $2
"""
LOOKED_AT = """
select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::integer from pg_stat_xact_user_tables where relname = 'registrations'
"""
ENLARGED = "update sessions set max_participants = max_participants + $3 where brand_id = $1 and id = $2"
UNGUARDED = "alter function {function} reset all; alter function {function} set plan_cache_mode = force_generic_plan"


class Rush(Struct, frozen=True):
    """A connection whose plans were made when the session had a handful of people; it has a crowd now."""

    connection: Owner
    session: SessionId

    async def looked_at(self, statement: Statement, *, enlarged_by: int = 0) -> int:
        """How many registrations the statement makes the database look at; it leaves nothing behind."""
        transaction = self.connection.transaction()
        await transaction.start()
        if enlarged_by:
            await self.connection.execute(ENLARGED, BRAND, self.session, enlarged_by)
        before = await self.connection.fetchval(LOOKED_AT)
        outcomes = await self.connection.fetch(statement.sql, *statement.arguments)
        rows: int = await self.connection.fetchval(LOOKED_AT) - before
        await transaction.rollback()
        assert outcomes, "nobody was asked for"
        return rows

    async def registering(self, *them: Registering) -> Statement:
        return await sent_by(partial(queries.register, brand=BRAND, session=self.session, them=them))

    async def reading_own(self, user: str) -> Statement:
        return await sent_by(partial(queries.of_person, brand=BRAND, session=self.session, user=UserId(user)))

    async def cancelling(self, *users: str) -> Statement:
        them = [Cancelling(by=caller(user), request_id=RequestId("r"), event_id=new_id()) for user in users]
        return await sent_by(partial(queries.cancel, brand=BRAND, session=self.session, them=them))


def caller(user: str) -> Caller:
    return Caller(user=UserId(user), client=ClientId("test"), brand=BRAND, scopes=frozenset())


def person(user: str, *, waits: bool = True) -> Registering:
    return Registering(
        id=new_id(), user=UserId(user), guest_email=None, role="participant", waits=waits, needs=None, by=caller(user),
        request_id=RequestId("r"), event_id=new_id(), key=None,
    )  # fmt: skip


def guest(name: str) -> Registering:
    known_id = new_id()
    return Registering(
        id=known_id, user=UserId(f"guest:{known_id}"), guest_email=f"{name}@example.com", role="guest", waits=False,
        needs="hosts", by=caller(HOST), request_id=RequestId("r"), event_id=new_id(), key=None,
    )  # fmt: skip


def named(prefix: str, numbers: Sequence[int]) -> list[str]:
    return [f"{prefix}_{number}" for number in numbers]


async def rush(cluster: Cluster, *, unguarded: str | None = None, crowd: int = CROWD) -> Rush:
    """The session grows after every function was planned; `unguarded` is a function without its own planner settings."""
    database = await fresh_database(cluster)
    grower, connection = [await asyncpg.connect(database.superuser_url, statement_cache_size=0) for _ in range(2)]
    session = SessionId(new_id())
    await grower.execute(SESSION, BRAND, session, HOST, SEATS)
    if unguarded is not None:
        function = await grower.fetchval("select oid::regprocedure::text from pg_proc where proname = $1", unguarded)
        await grower.execute(UNGUARDED.format(function=function))
    made = Rush(connection, session)
    for statement in (
        await made.registering(*map(person, named("first", range(5)))),
        await made.registering(*map(guest, named("first", range(5)))),
        await made.cancelling("first_0"),
    ):
        await connection.fetch(statement.sql, *statement.arguments)
    await grower.execute(STILL)
    planned_now = await made.registering(person("second")), await made.cancelling("second"), await made.reading_own("second")
    for statement in planned_now:
        await connection.fetch(statement.sql, *statement.arguments)
    await grower.execute(GROW, BRAND, session, SEATS, crowd)
    await grower.close()
    return made


@pytest.fixture
async def grown(cluster: Cluster) -> AsyncIterator[Rush]:
    made = await rush(cluster)
    yield made
    await made.connection.close()


MIDDLE = range(CROWD // 2, CROWD // 2 + BATCH)
LAST = range(CROWD - BATCH, CROWD)
WHO: dict[str, Callable[[], list[Registering]]] = {
    "newcomers": lambda: [person(name) for name in named("new", range(BATCH))],
    "those who wait already": lambda: [person(name) for name in named("early", LAST)],
    "those who left": lambda: [person(name) for name in named("early", range(1, BATCH + 1))],
    "those who want a seat or nothing": lambda: [person(name, waits=False) for name in named("new", range(BATCH))],
    "guests": lambda: [guest(name) for name in named("new", range(BATCH))],
    "guests who are there already": lambda: [guest(name) for name in named("first", range(5))],
    "one alone": lambda: [person("new")],
}


@pytest.mark.parametrize("who", WHO)
async def test_registering_reads_a_few_rows_for_each(grown: Rush, who: str) -> None:
    them = WHO[who]()
    assert await grown.looked_at(await grown.registering(*them)) <= MOST * len(them)


@pytest.mark.parametrize("numbers", [MIDDLE, LAST], ids=["in the middle", "last"])
async def test_giving_up_reads_a_few_rows_for_each(grown: Rush, numbers: Sequence[int]) -> None:
    assert await grown.looked_at(await grown.cancelling(*named("early", numbers))) <= MOST * BATCH


async def test_giving_up_seats_reads_a_few_rows_for_each_and_each_who_moves_up(grown: Rush) -> None:
    seated = named("early", range(CROWD // 3 + 1, CROWD // 3 + 1 + BATCH))
    assert await grown.looked_at(await grown.cancelling(*seated)) <= MOST * 2 * BATCH


@pytest.mark.parametrize("user", ["early_1", f"early_{CROWD // 3 + 1}", "new"], ids=["who left", "with a seat", "nobody"])
async def test_looking_at_ones_own_reads_a_few_rows(grown: Rush, user: str) -> None:
    assert await grown.looked_at(await grown.reading_own(user)) <= MOST


@pytest.mark.parametrize("was_it", ["those who left", "nobody"])
async def test_giving_up_what_one_has_not_reads_a_few_rows_for_each(grown: Rush, was_it: str) -> None:
    prefix = {"those who left": "early", "nobody": "new"}[was_it]
    assert await grown.looked_at(await grown.cancelling(*named(prefix, range(1, BATCH + 1)))) <= MOST * BATCH


@pytest.mark.parametrize("user", ["early_1", f"early_{CROWD // 2}", "first_1"], ids=["who left", "in line", "with a seat"])
async def test_removing_somebody_reads_a_few_rows(grown: Rush, user: str) -> None:
    registration = await grown.connection.fetchval("select id from registrations where user_id = $1", user)
    act = (BRAND, grown.session, registration, HOST, False, "test", "r", new_id())
    assert await grown.looked_at(Statement(queries.REMOVE, act)) <= MOST


async def test_moving_up_reads_a_few_rows_for_each(grown: Rush) -> None:
    assert await grown.looked_at(await grown.registering(person("new")), enlarged_by=BATCH) <= MOST * BATCH


async def test_without_the_settings_of_its_own_registering_reads_everybody(cluster: Cluster) -> None:
    """The negative control: what is measured above is what those settings do."""
    made = await rush(cluster, unguarded="register_v1", crowd=CROWD // 5)
    read = await made.looked_at(await made.registering(*WHO["newcomers"]()))
    await made.connection.close()
    assert read > CROWD // 5

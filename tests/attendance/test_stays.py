"""Whatever people did with their devices, and whatever was told of it: attendance is what a simple model counts."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from tests.postgres import Cluster, Owner, fresh_database

BEGINS_AT = datetime(2026, 11, 2, 17, tzinfo=UTC)
DOORS = -15  # the minute at which they open
USERS = ("anna", "ben", "cleo", "host_1")

minutes = st.integers(-30, 70)


class Stay(Struct, frozen=True):
    """One device's, in minutes; each may be unknown. `unseen` is when the provider no longer showed it."""

    user: str
    joined: int | None
    left: int | None
    unseen: int | None


class Held(Struct, frozen=True):
    """When the session was held."""

    started: int
    ended: int


class Counted(Struct, frozen=True):
    """What there is to know of a person."""

    first: int | None
    last: int | None
    seconds: int
    is_inside: bool
    is_estimated: bool


stays = st.lists(
    st.builds(Stay, st.sampled_from(USERS), st.none() | minutes, st.none() | minutes, st.none() | minutes).filter(
        lambda stay: stay.joined is not None or stay.left is not None
    ),
    max_size=8,
)
sessions = st.builds(Held, st.integers(-25, 10), st.integers(11, 60))


class Clipped(Struct, frozen=True):
    """What of a stay counts."""

    user: str
    joined: int
    left: int
    is_estimated: bool


def clipped(stay: Stay, held: Held) -> Clipped | None:
    """What of the stay counts, of a session that is over; None when nothing does."""
    left = stay.left if stay.left is not None else min(held.ended, stay.unseen if stay.unseen is not None else held.ended)
    joined = stay.joined if stay.joined is not None else min(left, held.ended)
    left = max(left, joined)
    opens = min(DOORS, held.started)
    if left <= opens or joined > held.ended:
        return None
    is_concluded = stay.left is None and stay.unseen is not None and stay.unseen < held.ended
    return Clipped(stay.user, max(joined, opens), min(left, held.ended), stay.joined is None or is_concluded)


def counted(mine: list[Clipped]) -> Counted:
    """One person's."""
    if not mine:
        return Counted(None, None, 0, is_inside=False, is_estimated=False)
    covered = {minute for stay in mine for minute in range(stay.joined, stay.left)}
    return Counted(
        min(stay.joined for stay in mine),
        max(stay.left for stay in mine),
        60 * len(covered),
        is_inside=False,
        is_estimated=any(stay.is_estimated for stay in mine),
    )


def peak_of(counting: list[Clipped]) -> int:
    """The most people who are there in one moment."""
    return max(
        (len({stay.user for stay in counting if stay.joined <= minute <= stay.left}) for minute in range(-30, 71)), default=0
    )


class Database:
    """Sessions that are planted in it, asked for, and forgotten."""

    def __init__(self, runner: asyncio.Runner, connection: Owner) -> None:
        self._runner = runner
        self._connection = connection

    def attendance(self, held: Held, them: list[Stay]) -> tuple[dict[str, Counted], int, float, bool]:
        """Of each who is listed; the peak, the minutes of all, and whether anything is an estimate."""
        return self._runner.run(self._attendance(held, them))

    async def _attendance(self, held: Held, them: list[Stay]) -> tuple[dict[str, Counted], int, float, bool]:
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            session = await self._planted(held, them)
            rows = await self._connection.fetch("select * from attendance_v1('acme', $1)", session)
            totals = await self._connection.fetchrow(
                "select (t ->> 'peak')::integer as peak, (t ->> 'minutes')::float8 as minutes,"
                " (t ->> 'is_estimated')::boolean as is_estimated from attendance_totals_v1('acme', $1) t", session,
            )  # fmt: skip
        finally:
            await transaction.rollback()
        assert totals is not None
        people = {
            row["user_id"]: Counted(
                minute_of(row["first_joined_at"]),
                minute_of(row["last_left_at"]),
                int(row["seconds"]),
                is_inside=row["is_inside"],
                is_estimated=row["is_estimated"],
            )
            for row in rows
        }
        return people, totals["peak"], totals["minutes"], totals["is_estimated"]

    async def _planted(self, held: Held, them: list[Stay]) -> UUID:
        session = uuid4()
        await self._connection.execute(
            "insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, started_at, ended_at,"
            " max_participants, created_at, updated_at)"
            " values ('acme', $1, 'host_1', 'Ask', 'live', 'ended', $2, $3, $4, 9, now(), now())",
            session, BEGINS_AT, at(held.started), at(held.ended),
        )  # fmt: skip
        await self._connection.execute(
            "insert into calls (brand_id, id, session_id, provider, call_type, records, made_at, created_at, updated_at)"
            " values ('acme', $1, $1, 'getstream', 'default', false, now(), now(), now())", session,
        )  # fmt: skip
        await self._connection.executemany(
            "insert into connections (brand_id, call_id, id, user_id, joined_at, left_at, estimated_left_at)"
            " values ('acme', $1, $2, $3, $4, $5, $6)",
            [
                (session, f"device-{number}", stay.user, at(stay.joined), at(stay.left), at(stay.unseen))
                for number, stay in enumerate(them)
            ],
        )
        return session


def at(minute: int | None) -> datetime | None:
    return None if minute is None else BEGINS_AT + timedelta(minutes=minute)


def minute_of(instant: datetime | None) -> int | None:
    return None if instant is None else int((instant - BEGINS_AT).total_seconds() / 60)


@pytest.fixture(scope="module")
def database_of_stays(cluster: Cluster) -> Iterator[Database]:
    with asyncio.Runner() as runner:
        made = runner.run(fresh_database(cluster))
        connection = runner.run(asyncpg.connect(made.owner_url))
        yield Database(runner, connection)
        runner.run(connection.close())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=sessions, them=stays)
def test_attendance_is_as_the_model_counts_it(database_of_stays: Database, held: Held, them: list[Stay]) -> None:
    counting = [one for one in (clipped(stay, held) for stay in them) if one is not None]
    people, peak, together, is_estimated = database_of_stays.attendance(held, them)
    expected = {user: counted([one for one in counting if one.user == user]) for user in USERS}
    assert people == {user: it for user, it in expected.items() if it.first is not None or user == "host_1"}
    assert peak == peak_of(counting)
    assert together == sum(it.seconds for it in expected.values()) / 60
    assert is_estimated == any(it.is_estimated for it in expected.values())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=sessions, them=stays, data=st.data())
def test_the_order_in_which_devices_are_known_is_nothing(
    database_of_stays: Database, held: Held, them: list[Stay], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(them))
    assert database_of_stays.attendance(held, them) == database_of_stays.attendance(held, again)

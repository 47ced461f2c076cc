"""The functions that give and take seats, with wide windows; with the lock of the session's row, or without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from msgspec import Struct

from tests.concurrency.arena import LOCK
from tests.postgres import TestDatabase

# Who registers dawdles longer than who leaves or starts: without the lock the seat is free, or the door shut, before they sit.
REGISTER_PAUSE_SECONDS = 0.03
SIT_DOWN_PAUSE_SECONDS = 0.06
CANCEL_PAUSE_SECONDS = 0.03
PROMOTE_PAUSE_SECONDS = 0.06

ONE_PER_PERSON = "registrations_one_active_per_person"
NAMES = ("register_v1", "cancel_registrations_v1", "promote_v1", "claim_idempotency_key_v1")

COUNT_AT_ONCE = "and n.seats + n.waiting > 0"
THEN_PROMOTE = """select * into s from sessions where brand_id = p_brand_id and id = p_session_id;
        perform promote_v1(s, p_user_ids[1], p_client_ids[1], p_request_ids[1]);"""
PROMOTE_THEN_COUNT = """
        select s.registered_count - count(*) filter (where r.capacity_at_admission is not null),
            s.waitlist_count - count(*) filter (where r.capacity_at_admission is null)
        into s.registered_count, s.waitlist_count
        from registrations r where r.brand_id = p_brand_id and r.id = any (row_ids);
        perform promote_v1(s, p_user_ids[1], p_client_ids[1], p_request_ids[1]);
        update sessions set
            registered_count = registered_count - n.seats,
            waitlist_count = waitlist_count - n.waiting
        from (select count(*) filter (where r.capacity_at_admission is not null) as seats,
                     count(*) filter (where r.capacity_at_admission is null) as waiting
              from registrations r where r.brand_id = p_brand_id and r.id = any (row_ids)) n
        where brand_id = p_brand_id and id = p_session_id;"""

SESSIONS_LOCK = "select * into s from sessions where brand_id = p_brand_id and id = p_session_id for no key update;"
ROWS_BEFORE_SESSION = f"""
    perform from registrations r
        where r.brand_id = p_brand_id and r.session_id = p_session_id and r.user_id = any (p_user_ids) for no key update;
    perform pg_sleep({CANCEL_PAUSE_SECONDS});
    {SESSIONS_LOCK}"""


class SeatFunctions(Struct, frozen=True):
    """The sources of the functions, as the migrations made them."""

    register: str
    cancel: str
    promote: str
    claim: str

    def as_made(self) -> list[str]:
        """To be put back."""
        return [self.register, self.cancel, self.promote, self.claim]

    def widened(self, *, locked: bool) -> list[str]:
        """With a pause after what they read, and nothing but the session's lock to save them, if that."""
        return [
            paused(_slow_to_sit_down(self.register), REGISTER_PAUSE_SECONDS, locked=locked),
            paused(_counted_last(self.cancel), CANCEL_PAUSE_SECONDS, locked=locked),
            _slow_to_promote(self.promote),
        ]

    def session_locked_last(self) -> str:
        """Who leaves locks the registration first and the session then; who promotes does it the other way round."""
        return replaced(self.cancel, SESSIONS_LOCK, ROWS_BEFORE_SESSION)


async def seat_functions_of(database: TestDatabase) -> SeatFunctions:
    """The functions as they are in the database."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        return SeatFunctions(*[str(await owner.fetchval("select pg_get_functiondef($1::regproc)", name)) for name in NAMES])
    finally:
        await owner.close()


@asynccontextmanager
async def without_index(database: TestDatabase, name: str) -> AsyncIterator[None]:
    """The index is away meanwhile; what that has let in is swept away with everything else."""
    owner = await asyncpg.connect(database.owner_url)
    made = str(await owner.fetchval("select pg_get_indexdef($1::regclass)", name))
    await owner.execute(f"drop index {name}")
    try:
        yield
    finally:
        await sweep(database)
        await owner.execute(made)
        await owner.close()


async def sweep(database: TestDatabase) -> None:
    """Forget what a test without a guard has broken, the append-only audit too.

    The relay's row comes first: who holds it gives no positions meanwhile, and no lock is waited for that another holds.
    """
    superuser = await asyncpg.connect(database.superuser_url)
    try:
        await superuser.execute("set session_replication_role = replica")
        await superuser.execute(
            "update relay set position = 0, forgotten_position = 0, forgotten_until = '-infinity';"
            " truncate sessions, registrations, votes, audit_log, outbox, events, timers, idempotency_keys cascade"
        )
    finally:
        await superuser.close()


def paused(source: str, seconds: float, *, locked: bool) -> str:
    """The function with a pause where it locks, or would."""
    if len(LOCK.findall(source)) != 1:
        raise AssertionError("expected one lock in the function")
    return LOCK.sub(lambda lock: f"{lock[0] if locked else ';'} perform pg_sleep({seconds});", source)


def replaced(source: str, old: str, new: str) -> str:
    """The source with one thing changed."""
    if source.count(old) != 1:
        raise AssertionError(f"expected one {old!r} in the function")
    return source.replace(old, new)


def _counted_last(source: str) -> str:
    """Changing the count locks the session's row too, which hides that no lock was taken: here it is changed last."""
    return replaced(replaced(source, COUNT_AT_ONCE, "and false"), THEN_PROMOTE, PROMOTE_THEN_COUNT)


def _slow_to_sit_down(source: str) -> str:
    """Between finding who is there and inserting who is not; a statement sees what was when it began."""
    return replaced(
        source, "from seated e\n", f"from seated e where (select pg_sleep({SIT_DOWN_PAUSE_SECONDS})::text) is not null\n"
    )


def _slow_to_promote(source: str) -> str:
    """Between choosing who is first in line and moving them."""
    return replaced(
        source, "from first_in_line f", f"from first_in_line f, (select pg_sleep({PROMOTE_PAUSE_SECONDS}) offset 0) dawdled"
    )

"""A database of a test's own, and rows to put into its outbox."""

from uuid import UUID, uuid4

from greenroom.events import queries
from greenroom.events.queries import ToldEvent
from greenroom.kit.database import Database
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase

WRITE = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
values ($1, 'live.session.updated.v1', 'acme', $2, 1, now(), '{}') returning sequence
"""
# The transactions of the worker's server, whose role is the same: an event waits for those of all databases.
WRITES_ELSEWHERE = """
select exists (select from pg_stat_activity where datname <> current_database() and backend_xid is not null) as somebody
"""


async def write(connection: Owner, session: UUID | None = None) -> int:
    """One event of a session; answers its sequence. Give the connection an open transaction to hold it back."""
    return int(await connection.fetchval(WRITE, uuid4(), session or uuid4()))


async def tell(db: Database) -> int:
    """Give positions to all that is settled, once nothing waits for another database of the cluster; answers to how many."""

    async def nobody_writes_elsewhere() -> bool:
        row = await db.row(WRITES_ELSEWHERE)
        return row is not None and not row["somebody"]

    await eventually(nobody_writes_elsewhere, "nobody writes in another database")
    return (await queries.relay_any_brand(db, most=100_000)).told or 0


async def told(db: Database) -> list[ToldEvent]:
    """Every told event, in order."""
    return await queries.after_any_brand(db, 0, most=100_000)


async def sequences(owner: Owner) -> list[int]:
    """The order in which the rows were written, in the order in which they were told."""
    return [row["sequence"] for row in await owner.fetch("select sequence from events order by position")]


async def without(owner: Owner, what: str, instead: str) -> None:
    """Change the relay's own text: a guard is off, in this database alone."""
    text = await owner.fetchval("select pg_get_functiondef('relay_events_any_brand_v1'::regproc)")
    if what not in text:
        raise AssertionError(f"the relay does not say: {what}")
    await owner.execute(text.replace(what, instead))


def opened(database: TestDatabase) -> Database:
    """The pool that the service has."""
    return Database(database.service_url, size=4, wait_seconds=5, statement_seconds=10)

"""The SQL of what no noun owns: the schema's own state, and the housekeeping that the program does for every brand."""

from collections.abc import Collection, Sequence

from greenroom.kit.database import Database

SCHEMA = "public"

# Migrations; run by kit/migrate.py on a connection of its own.
# Asked for again and again: one who waits inside a statement would be waited for by `create index concurrently`.
TRY_LOCK_MIGRATIONS = "select pg_try_advisory_lock(hashtextextended('greenroom migrations', 0))"
# A migration that waits for a lock makes every later statement wait behind it: better to give up and be tried again.
SET_LOCK_TIMEOUT = "set lock_timeout = '5s'"
ROLE_EXISTS = "select exists (select from pg_roles where rolname = $1)"
GRANT_SERVICE = "select grant_service($1)"
HISTORY_EXISTS = "select to_regclass('public._pogo_migration') is not null"
APPLIED = "select migration_id from public._pogo_migration where schema_name = $1"
COULD_CHANGE_TABLES = """
select rolsuper or exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind = 'r' and pg_has_role(current_user, c.relowner, 'usage')
) from pg_roles where rolname = current_user
"""

PRUNE_IDEMPOTENCY_KEYS_ANY_BRAND = """
delete from idempotency_keys where ctid = any (array(
    select ctid from idempotency_keys where created_at < now() - interval '24 hours' limit 1000 for update skip locked))
returning 1
"""

# One that is due later than its interval was planned by a clock that was wrong.
CLAIM_CHORE = """
update chores set due_at = clock_timestamp() + every where name = (
    select name from chores
    where name = any ($1) and (due_at <= clock_timestamp() or due_at > clock_timestamp() + every)
    order by due_at limit 1 for update skip locked)
returning name
"""


async def missing(db: Database, shipped: Collection[str]) -> Sequence[str]:
    """The migrations of this release that the database lacks. Raises Unavailable."""
    applied = {row["migration_id"] for row in await db.rows(APPLIED, SCHEMA)}
    return [name for name in shipped if name not in applied]


async def prune_idempotency_keys_any_brand(db: Database) -> int:
    """Forget up to 1,000 keys that are older than 24 hours; answers how many."""
    return len(await db.rows(PRUNE_IDEMPOTENCY_KEYS_ANY_BRAND))


async def claim_chore(db: Database, names: Collection[str]) -> str | None:
    """One of these chores whose time has come and that nobody else does; it comes again after its interval."""
    row = await db.row(CLAIM_CHORE, list(names))
    return None if row is None else str(row["name"])

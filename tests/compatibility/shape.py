"""All that a migration could change: tables, columns, constraints, indexes, functions, triggers, types, rights, history."""

import asyncpg

from tests.postgres import TestDatabase

SHAPE = """
select 'relation ' || relname || ' ' || relkind::text || ' ' || relowner::regrole || ' ' || coalesce(relacl::text, '')
from pg_class where relnamespace = 'public'::regnamespace
union all
select concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default)
from information_schema.columns where table_schema = 'public'
union all
select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace and conrelid <> 0
union all
select 'index ' || indexdef from pg_indexes where schemaname = 'public'
union all
select 'function ' || pg_get_functiondef(oid) || ' ' || coalesce(proacl::text, '')
from pg_proc where pronamespace = 'public'::regnamespace
union all
select 'trigger ' || tgrelid::regclass || ' ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all
select 'migration ' || migration_id || ' ' || migration_hash from public._pogo_migration
order by 1
"""


async def shape_of(database: TestDatabase) -> list[str]:
    """A line for each."""
    connection = await asyncpg.connect(database.superuser_url)
    try:
        return [row[0] for row in await connection.fetch(SHAPE)]
    finally:
        await connection.close()

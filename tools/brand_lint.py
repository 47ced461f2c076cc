"""Every statement that touches a tenant's row is confined by brand_id, or says `any_brand` in its name and is used by few.

Run as `python -m tools.brand_lint [paths]`; paths default to greenroom/. Reads the strings of queries.py files, the
statements of greenroom/migrations/*.sql with their function bodies, and who uses what is named ..._ANY_BRAND or ..._any_brand.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from tools.any_brand import uses_of_any_brand
from tools.brand_rule import breaches
from tools.findings import Finding, place, report
from tools.migration_sql import brandless_tables, migration_statements, tenant_tables
from tools.python_sql import statements_of_queries
from tools.sql_tokens import Token, trimmed

MIGRATIONS = "greenroom/migrations"

# Tables without `brand_id ... not null`, and why no tenant owns their rows.
BRANDLESS_TABLES = {
    "tokens": "a token without a brand is the operator's",
    "relay": "one row: how far events have been told, of all brands in one order",
    "sinks": "how far each way out has come in that order",
    "chores": "what the program does for all brands together",
    "room_processes": "who serves rooms, of all brands",
    "provider_inbox": "a provider's event may be of a call that is nobody's",
}


def findings(root: Path, paths: Sequence[Path]) -> Iterator[Finding]:
    """Everything that is wrong in the files and directories of the project at root."""
    texts = {path: path.read_text() for path in sorted((root / MIGRATIONS).glob("*.sql"))}
    tables = frozenset(table for text in texts.values() for table in tenant_tables(text))
    if not tables:
        yield Finding(MIGRATIONS, 1, "no tenant table is created here, so there is nothing that this lint could hold")
    for path, text in texts.items():
        if any(path.is_relative_to(one) for one in paths):
            yield from _in_migration(text, tables, place(path, root))
    for path in _python_files(paths):
        yield from _in_python(path, tables, place(path, root))


def _in_migration(text: str, tables: Collection[str], where: str) -> Iterator[Finding]:
    for table, line in brandless_tables(text):
        if table not in BRANDLESS_TABLES:
            what = f"{table} has no brand_id that is not null; if no tenant owns its rows, say why in tools/brand_lint.py"
            yield Finding(where, line, what)
    for statement in migration_statements(text):
        yield from _judged(statement, tables, where)


def _in_python(path: Path, tables: Collection[str], where: str) -> Iterator[Finding]:
    source = path.read_text()
    if path.name == "queries.py":
        for statement in statements_of_queries(source):
            yield from _judged(statement, tables, where)
    for line, what in uses_of_any_brand(source, where):
        yield Finding(where, line, what)


def _judged(statement: Sequence[Token], tables: Collection[str], where: str) -> Iterator[Finding]:
    solid = trimmed(statement)
    if not solid:
        return
    for breach in breaches(solid, tables):
        yield Finding(where, breach.line, breach.what)
    for token in solid:
        if token.name.endswith("_any_brand") or "_any_brand_v" in token.name:
            yield Finding(where, token.line, f"{token.name} crosses brands: so must the name of what calls it")


def _python_files(paths: Sequence[Path]) -> Iterator[Path]:
    inside = (path for one in paths for path in ([one] if one.is_file() else sorted(one.rglob("*.py"))))
    yield from (path for path in dict.fromkeys(inside) if path.suffix == ".py")


def main(arguments: Sequence[str]) -> int:
    """Lint the paths, greenroom/ by default, of the project in the working directory."""
    root = Path.cwd()
    paths = [(root / argument).resolve() for argument in arguments] or [root / "greenroom"]
    missing = [path for path in paths if not path.exists()]
    if missing:
        sys.exit(f"brand_lint: there is no {missing[0]}")
    return report(findings(root, paths))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

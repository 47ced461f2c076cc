"""What PostgreSQL means to do with a statement that our queries send, and what it does."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, cast
from uuid import UUID

from msgspec import Struct

from greenroom.kit.database import Database
from tests.postgres import Owner

# A prepared statement is planned anew for its first arguments, and later perhaps once for all: both must be good plans.
MODES: Final = ("force_generic_plan", "force_custom_plan")

Node = dict[str, Any]


class Statement(Struct, frozen=True):
    """A statement and its arguments, as the driver gets them."""

    sql: str
    arguments: tuple[object, ...]


class Plan(Struct, frozen=True):
    """A plan's nodes; when it was run, with what each of them did."""

    nodes: list[Node]

    @property
    def read_whole(self) -> set[str]:
        """The tables that are read from one end to the other."""
        return {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"}

    @property
    def sorts(self) -> bool:
        """Whether no index gives the order."""
        return any("Sort" in node["Node Type"] for node in self.nodes)

    def rows_read(self, table: str) -> int:
        """How many of the table's rows were looked at, those that no filter let pass included."""
        return round(sum(_looked_at(node) for node in self.nodes if node.get("Relation Name") == table))


class Recorder:
    """Stands in for the database: keeps what is sent, and answers nothing."""

    def __init__(self) -> None:
        self.sent: list[Statement] = []

    async def rows(self, sql: str, *arguments: object) -> list[object]:
        """No row at all."""
        self.sent.append(Statement(sql, arguments))
        return []

    async def row(self, sql: str, *arguments: object) -> None:
        """None."""
        self.sent.append(Statement(sql, arguments))


async def sent_by(query: Callable[[Database], Awaitable[object]]) -> Statement:
    """The one statement that the query sends."""
    recorder = Recorder()
    await query(cast("Database", recorder))
    (statement,) = recorder.sent
    return statement


async def plan_of(connection: Owner, statement: Statement, *, mode: str, runs: bool = True) -> Plan:
    """How the statement is carried out. The connection keeps no statements of its own (statement_cache_size=0)."""
    written = f"({', '.join(map(_literal, statement.arguments))})" if statement.arguments else ""
    options = "analyze, timing off, format json" if runs else "format json"
    await connection.execute(f"set plan_cache_mode = {mode}")
    await connection.execute(f"prepare asked as {statement.sql}")
    try:
        explained = await connection.fetchval(f"explain ({options}) execute asked{written}")
    finally:
        await connection.execute("deallocate asked")
    return Plan(list(_nodes(json.loads(explained)[0]["Plan"])))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for part in node.get("Plans", []):
        yield from _nodes(part)


def _looked_at(node: Node) -> float:
    parts = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(float(node.get(part, 0)) for part in parts) * float(node.get("Actual Loops", 1))


def _literal(value: object) -> str:
    match value:
        case None:
            return "null"
        case int():
            return str(value)
        case str() | UUID():
            return "'" + str(value).replace("'", "''") + "'"
        case tuple() | list():
            elements = ("null" if element is None else json.dumps(str(element)) for element in value)
            return _literal(f"{{{','.join(elements)}}}")
    raise TypeError(value)

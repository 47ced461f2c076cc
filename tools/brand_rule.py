"""The tenant rule for one statement: every tenant table that it touches is confined by brand_id.

Confined means an equation that every row must satisfy: `brand_id = ...` joined by AND in WHERE, or in the ON of a join that
really filters the table, and whose other side is an argument, a variable, an outer or derived row, or a table that is itself
confined. What the parser cannot read is a finding too, so that nothing slips by.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tools.sql_tokens import Token

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it falls back on is refused below

BRAND = "brand_id"


class Breach(NamedTuple):
    """How a statement breaks the rule."""

    line: int
    what: str


class Equation(NamedTuple):
    """One side equals the other in every row that is left; `confines` names the tables that it filters, None for all."""

    column: exp.Expression
    other: exp.Expression
    confines: frozenset[str] | None


def breaches(statement: Sequence[Token], tenant_tables: Collection[str]) -> Iterator[Breach]:
    """Where the statement touches a tenant table without its brand."""
    if not any(token.name in tenant_tables for token in statement):
        return
    start = statement[0].line
    try:
        tree = sqlglot.parse_one(_readable(statement), read="postgres")
    except SqlglotError as error:
        reason = str(error).splitlines()[0]
        yield Breach(start, f"the lint cannot read this statement, which names a tenant table: write it plainer ({reason})")
        return
    judged: set[int] = set()
    for node in tree.find_all(exp.Select, exp.Update, exp.Delete, exp.Insert):
        if isinstance(node, exp.Insert):
            yield from _insert_breaches(node, tenant_tables, start, judged)
        else:
            yield from _Rows(node).breaches(tenant_tables, start, judged)
    for table in tree.find_all(exp.Table):
        unjudged = id(table) not in judged and not table.find_ancestor(exp.Into, exp.Lock)
        if unjudged and _is_tenant(table, tenant_tables):
            yield Breach(_line(table, start), f"{table.name}: the lint knows no way to confine this statement by brand_id")
    if isinstance(tree, exp.Command):
        yield Breach(start, "the lint cannot read this statement, which names a tenant table: write it plainer")


def _readable(statement: Sequence[Token]) -> str:
    """For the parser: comments gone, arguments as names, lines as they were."""
    return "".join(
        ("\n" * token.text.count("\n") or " ") if token.kind == "blank"
        else f"argument_{token.text[1:]}" if token.kind == "argument"
        else token.text
        for token in statement
    )  # fmt: skip


def _line(table: exp.Expression, start: int) -> int:
    name = table.this
    return start + int(name.meta.get("line", 1)) - 1 if isinstance(name, exp.Identifier) else start


def _is_tenant(table: exp.Table, tenant_tables: Collection[str]) -> bool:
    return isinstance(table.this, exp.Identifier) and table.name in tenant_tables and not _is_cte(table)


def _is_cte(table: exp.Table) -> bool:
    """Whether the name is that of a common table expression which is in sight here."""
    if table.db:
        return False
    inside, above = cast("exp.Expr", table), table.parent
    while above is not None:
        ctes = above.args.get("with_")
        if isinstance(ctes, exp.With) and inside is not ctes and table.name in {cte.alias for cte in ctes.expressions}:
            return True
        if isinstance(above, exp.With):
            earlier = above.expressions if above.args.get("recursive") else above.expressions[: above.expressions.index(inside)]
            if table.name in {cte.alias for cte in earlier}:
                return True
        inside, above = above, above.parent
    return False


class _Rows:
    """The tables that a SELECT, UPDATE or DELETE goes through, and the equations that filter them."""

    def __init__(self, node: exp.Expression) -> None:
        self.verb = node.key
        self.tables: dict[str, exp.Table] = {}
        self.equations: list[Equation] = []
        self.merged: str | None = None  # the table whose brand_id a bare brand_id means after USING (brand_id)
        if isinstance(node, exp.Update | exp.Delete):
            self._add(node.this)
        using = node.args.get("using")
        for source in using if isinstance(using, list) else []:
            self._add(source)
        origin = node.args.get("from_")
        if origin is not None:
            self._add(origin.this)
        self._join(node)
        where = node.args.get("where")
        if where is not None:
            self._equate(where.this, None)

    def breaches(self, tenant_tables: Collection[str], start: int, judged: set[int]) -> Iterator[Breach]:
        """The tenant tables that no equation confines."""
        confined = self._confined()
        for alias, table in self.tables.items():
            judged.add(id(table))
            if alias not in confined and _is_tenant(table, tenant_tables):
                name = table.name if alias == table.name else f"{table.name} {alias}"
                yield Breach(_line(table, start), f"{self.verb} {name}: not confined by brand_id in WHERE or ON")

    def _add(self, source: exp.Expression) -> frozenset[str]:
        """Take in a table or a parenthesized join; a derived table or function is no table. Answers the new names."""
        before = set(self.tables)
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and not _is_cte(source):
            name = source.alias_or_name
            self.tables[name if name not in self.tables else f"{name} (again)"] = source
            self._join(source)
        elif isinstance(source, exp.Table):
            self._join(source)
        elif isinstance(source, exp.Subquery):
            if not isinstance(source.this, exp.Query):
                self._add(source.this)
            self._join(source)
        return frozenset(set(self.tables) - before)

    def _join(self, node: exp.Expression) -> None:
        for join in node.args.get("joins") or []:
            left = frozenset(self.tables)
            right = self._add(join.this)
            confines = {"LEFT": right, "RIGHT": left, "FULL": frozenset[str]()}.get(join.side)
            if join.args.get("on") is not None:
                self._equate(join.args["on"], confines)
            if any(shared.name == BRAND for shared in join.args.get("using") or []):
                self.merged = self.merged or next(iter(sorted(left)), None)
                for one in left:
                    for other in right:
                        self._pair(_brand_of(one), _brand_of(other), confines)

    def _equate(self, condition: exp.Expression, confines: frozenset[str] | None) -> None:
        if isinstance(condition, exp.Paren):
            self._equate(condition.this, confines)
        elif isinstance(condition, exp.And):
            self._equate(condition.this, confines)
            self._equate(condition.expression, confines)
        elif isinstance(condition, exp.EQ | exp.NullSafeEQ):
            self._pair(condition.this, condition.expression, confines)
        elif isinstance(condition, exp.In):
            sides = condition.this.expressions if isinstance(condition.this, exp.Tuple) else [condition.this]
            choices = exp.Tuple(expressions=[choice.copy() for choice in condition.expressions])
            for side in sides:
                self.equations.append(Equation(side, choices, confines))

    def _pair(self, one: exp.Expression, other: exp.Expression, confines: frozenset[str] | None) -> None:
        if isinstance(one, exp.Tuple) and isinstance(other, exp.Tuple) and len(one.expressions) == len(other.expressions):
            for left, right in zip(one.expressions, other.expressions, strict=True):
                self._pair(left, right, confines)
        else:
            self.equations += [Equation(one, other, confines), Equation(other, one, confines)]

    def _confined(self) -> frozenset[str]:
        confined: set[str] = set()
        while True:
            more = {alias for it in self.equations if (alias := self._confines(it, confined)) is not None} - confined
            if not more:
                return frozenset(confined)
            confined |= more

    def _confines(self, equation: Equation, confined: Collection[str]) -> str | None:
        """The table that the equation confines, given those that are confined already."""
        column = equation.column
        if not isinstance(column, exp.Column) or column.name != BRAND:
            return None
        alias = self._owner(column)
        if alias is None or not (equation.confines is None or alias in equation.confines):
            return None
        owners = {self._owner(it) for it in equation.other.find_all(exp.Column)} - {None}
        return alias if owners <= set(confined) else None

    def _owner(self, column: exp.Column) -> str | None:
        """The table of this statement that the column belongs to; None for a variable, an outer or a derived row."""
        if column.table:
            return column.table if column.table in self.tables else None
        if column.name != BRAND:
            return None
        return next(iter(self.tables)) if len(self.tables) == 1 else self.merged


def _brand_of(alias: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(BRAND), table=exp.to_identifier(alias))


def _insert_breaches(insert: exp.Insert, tenant_tables: Collection[str], start: int, judged: set[int]) -> Iterator[Breach]:
    table = insert.this.this if isinstance(insert.this, exp.Schema) else insert.this
    if not isinstance(table, exp.Table):  # a branch of MERGE, whose table is judged as such
        return
    judged.add(id(table))
    if not _is_tenant(table, tenant_tables):
        return
    columns = {column.name for column in insert.this.expressions} if isinstance(insert.this, exp.Schema) else set()
    if BRAND not in columns:
        yield Breach(_line(table, start), f"insert into {table.name}: brand_id is not among its columns")
    conflict = insert.args.get("conflict")
    if conflict is None or "UPDATE" not in str(conflict.args.get("action")).upper():
        return
    # Which other row is updated? One of the same brand only if brand_id is part of the key that was met.
    keys = {column.name for key in conflict.args.get("conflict_keys") or [] for column in key.find_all(exp.Column)}
    if BRAND not in keys:
        what = f"insert into {table.name}: DO UPDATE of a conflict whose key has no brand_id reaches other brands"
        yield Breach(_line(table, start), what)

"""What migrations say: which tables are tenants', and every statement that reads or changes rows, function bodies included."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tools.sql_bodies import READS_OR_CHANGES, plpgsql_statements
from tools.sql_tokens import Token, content, statements, tokens, words

_ANY_BRAND = re.compile(r".*_any_brand(_v\d+)?")
_TABLE_WORDS = frozenset({"if", "not", "exists", "only", "unlogged", "temporary", "temp", "create", "alter", "table"})


def tenant_tables(sql: str) -> frozenset[str]:
    """The tables that are created, or altered, to have a brand_id that is not null."""
    return frozenset(name for name, _, has_brand in _tables(sql) if has_brand)


def brandless_tables(sql: str) -> list[tuple[str, int]]:
    """The tables that are created without one, and where."""
    tenants = tenant_tables(sql)
    return [(name, line) for name, line, has_brand in _tables(sql) if not has_brand and name not in tenants]


def migration_statements(sql: str) -> Iterator[list[Token]]:
    """Every statement that reads or changes rows; functions named ..._any_brand (or ..._any_brand_v1) are passed over."""
    for statement in statements(tokens(sql)):
        first = words(statement, 6)
        if first[:1] == ["do"]:
            yield from _inside(statement, language=_language(statement) or "plpgsql")
        elif first[:1] == ["create"] and {"function", "procedure"} & set(first[1:4]):
            if not _ANY_BRAND.fullmatch(_created(statement)):
                yield from _inside(statement, language=_language(statement))
        elif (set(first[:1]) & READS_OR_CHANGES or _is_made_from_query(statement)) and not _is_done_once(statement):
            yield statement


def _inside(statement: Sequence[Token], *, language: str) -> Iterator[list[Token]]:
    bodies = [token for token in statement if token.kind == "string" and _is_body(token, statement)]
    if not bodies:
        yield list(statement)  # BEGIN ATOMIC: the parser refuses it, which is a finding when it names a tenant table
    for body in bodies:
        if language == "plpgsql":
            yield from plpgsql_statements(content(body))
        else:
            yield from statements(content(body))


def _is_body(string: Token, statement: Sequence[Token]) -> bool:
    """Whether the string is a body, and no argument's default, setting or language."""
    before = [token for token in statement[: statement.index(string)] if token.kind != "blank"][-1].word
    return string.text.startswith("$") or before == "as" or (statement[0].word == "do" and before != "language")


def _language(statement: Sequence[Token]) -> str:
    """What follows LANGUAGE, a word or a string."""
    solid = [token for token in statement if token.kind != "blank"]
    return next((after.text.strip("'").lower() for token, after in pairwise(solid) if token.word == "language"), "")


def _created(statement: Sequence[Token]) -> str:
    """The function's own name, without its schema."""
    name = ""
    for token in statement:
        if token.text == "(":
            break
        name = token.name or name
    return name


def _is_done_once(statement: Sequence[Token]) -> bool:
    """`select name_any_brand()`, alone: what a migration does to the rows that are there, by a function that says so."""
    texts = [token.text for token in statement if token.kind != "blank"]
    return len(texts) == 4 and [texts[0].lower(), *texts[2:]] == ["select", "(", ")"] and bool(_ANY_BRAND.fullmatch(texts[1]))  # noqa: PLR2004


def _is_made_from_query(statement: Sequence[Token]) -> bool:
    """Whether it is a view, or a table that begins with another's rows."""
    first = words(statement, 5)
    return first[:1] == ["create"] and bool({"view", "table"} & set(first)) and {"as", "select"} <= set(words(statement))


def _tables(sql: str) -> Iterator[tuple[str, int, bool]]:
    """Name, line, and whether brand_id is not null, of each CREATE TABLE and of each ALTER TABLE that makes it so."""
    for statement in statements(tokens(sql)):
        first = words(statement, 4)
        if "table" not in first or first[0] not in {"create", "alter"} or "temporary" in first or "temp" in first:
            continue
        name = _table_name(statement)
        has_brand = any(_is_brand_not_null(clause) for clause in _clauses(statement))
        if first[0] == "create" or has_brand:
            yield name, statement[0].line, has_brand


def _table_name(statement: Sequence[Token]) -> str:
    named = [token for token in statement if token.kind != "blank" and token.word not in _TABLE_WORDS]
    schema_given = len(named) > 2 and named[1].text == "."  # noqa: PLR2004  # schema, dot, name
    return named[2 if schema_given else 0].name


def _clauses(statement: Sequence[Token]) -> Iterator[list[str]]:
    """The words of each column or action: what stands between the commas."""
    depth = 0
    outer = 1 if words(statement, 1) == ["create"] else 0
    clause: list[str] = []
    for token in statement:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == outer and token.text in {",", "("}:
            yield clause
            clause = []
        elif token.word:
            clause.append(token.name)
    yield clause


def _is_brand_not_null(clause: Sequence[str]) -> bool:
    text = " ".join(clause)
    return bool(re.search(r"(?:^|(?:add|alter|column|exists) )brand_id .*not null", text)) and "drop not null" not in text

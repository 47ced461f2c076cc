"""The statements inside function bodies: PL/pgSQL is cut where its own words end and SQL begins."""

from collections.abc import Iterator, Sequence

from tools.sql_tokens import Token, content, statements, trimmed

READS_OR_CHANGES = frozenset({"select", "insert", "update", "delete", "merge", "with", "truncate", "copy", "table", "values"})
_STARTS = READS_OR_CHANGES - {"table", "values"}
_ENDS_A_PIECE = frozenset({"then", "loop", "else", "begin", "declare"})
_LEADS_AN_EXPRESSION = frozenset({"if", "elsif", "elseif", "while", "when", "return", "next", "exit", "continue", "assert"})
_CURSORS = frozenset({"fetch", "move", "close", "get"})
_TELLING = READS_OR_CHANGES | {"from"}


def plpgsql_statements(body: Sequence[Token]) -> Iterator[list[Token]]:
    """Every statement and expression of the body that might touch a table, as SQL that a parser can read."""
    for segment in statements(body):
        for piece in _pieces(segment):
            yield from _sql_in(piece)


def dynamic_strings(sql: Sequence[Token]) -> Iterator[list[Token]]:
    """The SQL in the strings of an EXECUTE; the places that format() fills stand as names."""
    for token in sql:
        if token.kind == "string":
            inside = content(token)
            first = next((it.word for it in inside if it.kind != "blank"), "")
            if first in READS_OR_CHANGES:
                yield list(_filled(inside))


def _filled(template: Sequence[Token]) -> Iterator[Token]:
    """format()'s %I, %L and %s as names."""
    percent = False
    for token in template:
        if percent and token.word in {"i", "l", "s"}:
            yield Token("word", f"filled_{token.word}", token.line)
        elif token.text != "%":
            yield token
        percent = token.text == "%"


def _pieces(segment: Sequence[Token]) -> Iterator[list[Token]]:
    """The segment cut at PL/pgSQL's own words; those of a CASE inside an expression cut nothing."""
    piece: list[Token] = []
    depth = cases = 0
    for token in segment:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        cases = max(cases + {"case": 1, "end": -1}.get(token.word, 0), 0)
        if token.word in _ENDS_A_PIECE and depth == cases == 0:
            yield trimmed(piece)
            piece = []
        else:
            piece.append(token)
    yield trimmed(piece)


def _sql_in(piece: list[Token]) -> Iterator[list[Token]]:
    outer = _outermost_words(piece)
    if not outer or outer[0][1] in _CURSORS:
        return
    execute = next((index for index, word in outer if word == "execute"), None)
    if execute is not None:
        yield from dynamic_strings(piece[execute:])
        piece = piece[:execute] + [token for token in piece[execute + 1 :] if token.kind != "string"]
        outer = _outermost_words(piece)
    if not any(token.word in _TELLING or token.word.endswith("_any_brand") or "_any_brand_v" in token.word for token in piece):
        return
    piece = _without_into(piece)
    outer = _outermost_words(piece)
    start = next((index for index, word in outer if word in _STARTS), None)
    assignment = _outermost(piece, ":=")
    if assignment is not None and (start is None or assignment < start):
        yield [*_select(piece[assignment]), *piece[assignment + 1 :]]
    elif start is not None:
        yield piece[start:]
        if any(token.word in _TELLING for token in piece[:start]):
            yield piece[:start]
    else:
        lead = next((index for index, token in enumerate(piece) if token.word not in {*_LEADS_AN_EXPRESSION, "perform", ""}), 0)
        opening = next((index for index, token in enumerate(piece) if token.text == "("), len(piece))
        yield [*_select(piece[0]), *piece[min(lead, opening) :]]


def _select(at: Token) -> tuple[Token, Token]:
    return Token("word", "select", at.line), Token("blank", " ", at.line)


def _outermost_words(piece: Sequence[Token]) -> list[tuple[int, str]]:
    depth = 0
    found = []
    for index, token in enumerate(piece):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.word:
            found.append((index, token.word))
    return found


def _outermost(piece: Sequence[Token], text: str) -> int | None:
    depth = 0
    for index, token in enumerate(piece):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.text == text:
            return index
    return None


def _without_into(piece: Sequence[Token]) -> list[Token]:
    """Without INTO and its variables, which is PL/pgSQL's; INSERT INTO stays."""
    kept: list[Token] = []
    previous = ""
    names = False  # a name or a comma may still follow
    wants_name = False
    for token in piece:
        if token.word == "into" and previous not in {"insert", "merge"}:
            names = wants_name = True
        elif names and (token.kind == "blank" or token.word == "strict"):
            kept.append(Token("blank", token.text if token.kind == "blank" else " ", token.line))
        elif names and wants_name and token.kind == "word":
            wants_name = False
        elif names and not wants_name and token.text in {",", "."}:
            wants_name = True
        else:
            names = False
            kept.append(token)
        previous = token.word or (previous if token.kind == "blank" else "")
    return kept

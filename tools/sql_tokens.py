"""PostgreSQL's SQL as tokens that know their line, and as statements.

The parser alone cannot do this: it takes `$1, $` for the start of a dollar quote, and it does not look inside function bodies.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<blank>   \s+ | --[^\n]* | /\*.*?\*/ )
  | (?P<string>  [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | \$(?P<tag>[^\W\d]\w*)?\$.*?\$(?(tag)(?P=tag))\$ )
  | (?P<argument>\$\d+ )
  | (?P<word>    [^\W\d][\w$]* | "(?:[^"]|"")*" )
  | (?P<number>  \d+(?:\.\d+)? )
  | (?P<symbol>  :: | := | \.\. | . )
    """,
    re.DOTALL | re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of SQL: `kind` is blank (comments too), string, argument, word, number or symbol."""

    kind: str
    text: str
    line: int

    @property
    def word(self) -> str:
        """The word in lower case; empty for what is none."""
        return self.text.lower() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The identifier as PostgreSQL folds it; empty for what is none."""
        quoted = self.text.startswith('"')
        return self.text[1:-1].replace('""', '"') if quoted else self.word


def tokens(sql: str, *, line: int = 1) -> list[Token]:
    """Every token; joined they are the text again."""
    found = []
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup if match.lastgroup != "tag" else "string"
        found.append(Token(kind or "symbol", match.group(), line))
        line += match.group().count("\n")
    return found


def content(string: Token) -> list[Token]:
    """The tokens inside a string constant, dollar-quoted or not."""
    if string.text.startswith("$"):
        quote = string.text[: string.text.index("$", 1) + 1]
        return tokens(string.text[len(quote) : -len(quote)], line=string.line + quote.count("\n"))
    return tokens(string.text[string.text.index("'") + 1 : -1].replace("''", "'"), line=string.line)


def statements(sql: Sequence[Token]) -> Iterator[list[Token]]:
    """What stands between the semicolons, without blanks at the ends; nothing for nothing."""
    statement: list[Token] = []
    for token in sql:
        if token.text == ";":
            if statement:
                yield trimmed(statement)
            statement = []
        elif statement or token.kind != "blank":
            statement.append(token)
    if statement:
        yield trimmed(statement)


def trimmed(sql: Sequence[Token]) -> list[Token]:
    """Without blanks at the ends."""
    solid = [index for index, token in enumerate(sql) if token.kind != "blank"]
    return list(sql[solid[0] : solid[-1] + 1]) if solid else []


def words(sql: Sequence[Token], count: int | None = None) -> list[str]:
    """The first words, in lower case, leading parentheses and blanks passed over."""
    return [token.word for token in sql if token.word][:count]

"""The language of a brand's mail templates, and how templates become a mail's words.

A brand writes text, names of variables, a few filters, if and else, and nothing more: what is parsed is walked, and whatever is
not on the list is refused, so that no template calls, loops, reaches into an object or takes long. docs/decisions/0030.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from greenroom.notifications.words import Words

VARIABLES: Final = {
    "title": "The session's title, in one line.",
    "when": "When it begins, in the reader's zone where that is known, else in UTC; the zone is named.",
    "old_when": "Where it has been moved: the time that the reader knew. Else nothing.",
    "scheduled_at": "When it begins, as an RFC 3339 instant in UTC.",
    "is_waiting": "Whether the reader waits in line, rather than having a seat.",
    "join_url": "Where the reader joins. Nothing where neither GREENROOM_JOIN_URL nor GREENROOM_PUBLIC_URL is set.",
    "recording_url": "Where the recording is, once it is ready. Else nothing.",
    "unsubscribe_url": "Where the reader asks for no more mail.",
    "brand": "The brand.",
}
FILTERS: Final = frozenset({"upper", "lower", "capitalize", "title", "trim", "default"})
MOST_NODES: Final = 400
DEEPEST: Final = 8
MOST_OUTPUTS: Final = 100

EXAMPLE: Final[dict[str, str | bool]] = {
    "title": "Ask the physiotherapist",
    "when": "Monday, 1 March 2027, 18:00 (Europe/Berlin, UTC+01:00)",
    "old_when": "Monday, 1 March 2027, 17:00 (Europe/Berlin, UTC+01:00)",
    "scheduled_at": "2027-03-01T17:00:00.000Z",
    "is_waiting": False,
    "join_url": "https://live.example.com/join",
    "recording_url": "https://live.example.com/recording",
    "unsubscribe_url": "https://live.example.com/unsubscribe",
    "brand": "acme",
}

_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or, nodes.Const,
    nodes.Filter, nodes.Compare, nodes.Operand,
)  # fmt: skip


class TemplateRefusedError(Exception):
    """Why a template is not taken: one line that names the template's line, and repeats nothing of it."""


class Written(Struct, frozen=True):
    """A mail's words."""

    subject: str
    text: str
    html: str


_TEXTS: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
_PAGES: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True)


def refuse_bad(source: str) -> None:
    """Raises TemplateRefusedError for what is not of the language, or fails with the example."""
    try:
        tree = _TEXTS.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateRefusedError(f"line {error.lineno} is not a template of Jinja") from None
    except RecursionError:
        raise TemplateRefusedError("it is nested too deeply") from None
    _walk(tree)
    try:
        for example in (EXAMPLE, {**EXAMPLE, "is_waiting": True, "old_when": "", "join_url": "", "recording_url": ""}):
            _TEXTS.from_string(source).render(example)
    except (TemplateError, ValueError, TypeError, RecursionError, SyntaxError):
        raise TemplateRefusedError("it cannot be rendered with the example of the documentation") from None


def _walk(tree: nodes.Template) -> None:
    waiting: list[tuple[nodes.Node, int, int]] = [(tree, 0, 1)]
    seen = outputs = 0
    while waiting:
        node, depth, line = waiting.pop()
        line = node.lineno or line
        _refuse_unless_known(node, line)
        seen += 1
        outputs += isinstance(node, nodes.Name)
        depth += isinstance(node, nodes.If | nodes.Filter | nodes.Not | nodes.And | nodes.Or)
        if depth > DEEPEST:
            raise TemplateRefusedError(f"line {line}: expected at most {DEEPEST} levels, one in the other")
        if seen > MOST_NODES or outputs > MOST_OUTPUTS:
            raise TemplateRefusedError(f"line {line}: expected at most {MOST_OUTPUTS} variables and {MOST_NODES} parts")
        waiting += [(child, depth, line) for child in node.iter_child_nodes()]


def _refuse_unless_known(node: nodes.Node, line: int) -> None:
    """Raises TemplateRefusedError."""
    match node:
        case nodes.Name(name=name, ctx="load") if name in VARIABLES:
            return
        case nodes.Name():
            raise TemplateRefusedError(f"line {line}: expected one of the variables {', '.join(VARIABLES)}")
        case nodes.Filter(name=name) if name not in FILTERS:
            raise TemplateRefusedError(f"line {line}: expected one of the filters {', '.join(sorted(FILTERS))}")
        case nodes.Filter() if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) > (node.name == "default"):
            raise TemplateRefusedError(f"line {line}: expected no arguments, and of default one text")
        case nodes.Filter(node=None):
            raise TemplateRefusedError(f"line {line}: expected filters of variables alone")
        case nodes.Const(value=value) if not isinstance(value, str):
            raise TemplateRefusedError(f"line {line}: expected texts as constants")
        case nodes.Operand(op=op) if op not in {"eq", "ne"}:
            raise TemplateRefusedError(f"line {line}: expected == or != where values are compared")
        case _ if type(node) not in _ALLOWED:
            raise TemplateRefusedError(f"line {line}: expected text, variables, filters, if and else, and nothing else")


def written(words: Words, variables: Mapping[str, str | bool]) -> Written:
    """The mail's words; the subject is one line. Raises what a template raises that cannot be rendered."""
    return Written(
        one_line(_compiled(words.subject, is_page=False).render(variables)),
        _compiled(words.text, is_page=False).render(variables),
        _compiled(words.html, is_page=True).render(variables),
    )


@lru_cache(maxsize=128)
def _compiled(source: str, *, is_page: bool) -> Template:
    return (_PAGES if is_page else _TEXTS).from_string(source)


def one_line(text: str, *, most: int = 300) -> str:
    """Without line breaks and control characters, so that no header has a second line (RFC 5322, section 2.2)."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"

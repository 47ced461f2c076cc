"""Who may use what crosses brands: functions whose own name says so, and the few below."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from tools.python_sql import ANY_BRAND_CONSTANT, ANY_BRAND_FUNCTION, Function


class Caller(NamedTuple):
    """A package (ends with a slash), a file, or one function of a file that may reach across brands, and why."""

    path: str
    function: str | None
    reason: str


# Who may call a function named ..._any_brand without such a name of their own.
CALLERS = (
    Caller("greenroom/invariants/", None, "the operator's check looks at every brand"),
    Caller("greenroom/identity/", None, "tokens are the operator's, and are known before any brand is"),
    Caller("greenroom/kit/housekeeping.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/events/relay.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/events/feed.py", None, "the program's own reader, which hands each event to whom it concerns"),
    Caller("greenroom/events/service.py", None, "the operator's commands and metrics, and the program's own worker"),
    Caller("greenroom/stream/engine.py", None, "the program's own reader, which tells each event to whom it concerns"),
    Caller("greenroom/timers/service.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/calendar/service.py", "feed", "a ticket names its person, and is known before any brand is"),
    Caller("greenroom/notifications/mailing.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/notifications/planning.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/calls/keeper.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/calls/news.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/calls/service.py", "_known", "the holder of admin:* without a brand"),
    Caller("greenroom/rooms/provider.py", None, "the program's own worker names a call, and no brand"),
    Caller("greenroom/rooms/service.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/rooms/switchboard.py", None, "a token names a call, and no brand; a process serves every brand"),
    Caller("greenroom/inbox/service.py", None, "a provider's webhook names a call, and no brand"),
    Caller("greenroom/recordings/joiner.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/webhooks/planning.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/webhooks/sender.py", None, "the program's own worker, which serves every brand"),
    Caller("greenroom/webhooks/service.py", "forget", "the program's own worker, which serves every brand"),
    Caller("greenroom/webhooks/service.py", "measure", "a metric, which is of every brand"),
    Caller("greenroom/sessions/service.py", "brand_of", "the holder of admin:* without a brand"),
    Caller("greenroom/sessions/service.py", "listed", "the holder of admin:* without a brand"),
    Caller("greenroom/administration/service.py", "listed", "the holder of admin:* without a brand"),
)

# Who may hold a statement named ..._ANY_BRAND outside such a function.
HOLDERS = (Caller("greenroom/invariants/service.py", None, "pairs each promise with the statement that checks it"),)


def uses_of_any_brand(source: str, path: str) -> Iterator[tuple[int, str]]:
    """Each use that the tables above do not allow: line, what."""
    yield from _uses(ast.parse(source), path, ())


def _uses(node: ast.AST, path: str, functions: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.ImportFrom):
        yield from _renamed(node)
    name, line = _used(node)
    if name.endswith(ANY_BRAND_CONSTANT) and not _may(path, functions, HOLDERS):
        yield line, f"{name} crosses brands: only a function named ...{ANY_BRAND_FUNCTION} may use it"
    if name.endswith(ANY_BRAND_FUNCTION) and not _may(path, functions, CALLERS):
        yield line, f"{name} crosses brands: {path} is not among its callers in tools/any_brand.py"
    if isinstance(node, Function):
        functions = (*functions, node.name)
    for child in ast.iter_child_nodes(node):
        yield from _uses(child, path, functions)


def _renamed(node: ast.ImportFrom) -> Iterator[tuple[int, str]]:
    for alias in node.names:
        for ending in (ANY_BRAND_CONSTANT, ANY_BRAND_FUNCTION):
            if alias.name.endswith(ending) and alias.asname and not alias.asname.endswith(ending):
                yield node.lineno, f"{alias.name} crosses brands: imported as {alias.asname} it no longer says so"


def _used(node: ast.AST) -> tuple[str, int]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name, ctx=ast.Load()):
            return name, node.lineno
        case _:
            return "", 0


def _may(path: str, functions: tuple[str, ...], allowed: tuple[Caller, ...]) -> bool:
    if any(function.endswith(ANY_BRAND_FUNCTION) for function in functions):
        return True
    return any(
        (path.startswith(it.path) if it.path.endswith("/") else path == it.path)
        and (it.function is None or it.function in functions)
        for it in allowed
    )

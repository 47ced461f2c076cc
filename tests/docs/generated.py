"""The parts of the documentation that are made from the code. `python -m tests.docs` writes them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from greenroom.administration.schemas import AdminFilters
from greenroom.app import ROUTES
from greenroom.events.catalogue import EVENTS, Event
from greenroom.identity.scopes import SCOPES
from greenroom.kit import errors
from greenroom.kit.errors import GreenroomError
from greenroom.kit.http.answer import error_answer
from greenroom.kit.http.expectations import expectations_of
from greenroom.kit.wire import schema_of
from greenroom.registrations.schemas import AdminRegistrationFilters, MyRegistrationFilters, RegistrationFilters
from greenroom.session_settings.schemas import SessionSettings, SettingsPatch
from greenroom.session_settings.service import defaults
from greenroom.sessions.schemas import SessionFilters
from greenroom.setting_rules import SECRET_KEY_CHARACTERS
from greenroom.settings import Settings, variable
from tests.docs.pages import ROOT

# Defaults that depend on where the program runs.
DEFAULTS_IN_WORDS: Final = {"data_dir": "the user's data directory; as root `/var/lib/greenroom`"}

FORMS_IN_WORDS: Final = {
    "data_dir": "path",
    "rate_limit_clients": "JSON",
    "secret_keys": f"list, each of at least {SECRET_KEY_CHARACTERS} characters",
}

# An error of each class whose constructor wants to be told something.
EXAMPLES: Final[dict[type[GreenroomError], GreenroomError]] = {
    errors.ValidationFailed: errors.ValidationFailed("title: expected a string of 1 to 10,000 characters without NUL."),
    errors.InsufficientScope: errors.InsufficientScope("write:live"),
    errors.NotFound: errors.NotFound("There is no such session."),
    errors.MethodNotAllowed: errors.MethodNotAllowed(headers={"Allow": "GET, HEAD, OPTIONS, PATCH"}),
    errors.Conflict: errors.Conflict(retry_after_seconds=1),
    errors.UnsupportedMediaType: errors.UnsupportedMediaType(("application/json",)),
    errors.RateLimited: errors.RateLimited(retry_after_ms=1200),
}


def operations() -> str:
    """Every operation that needs a token."""
    named = [route.operation for route in ROUTES if route.operation is not None and route.operation.scope]
    rows = [f"| `{it.at}` | {it.summary} | `{it.scope}` |" for it in named]
    return _table("| operation | what it does | scope |", rows)


def settings() -> str:
    """Every setting: its variable, its form, its default, its meaning."""
    return _table("| variable | value | default | meaning |", [_setting_row(field) for field in _fields_of(Settings)])


def scopes() -> str:
    """Every scope."""
    return _table("| scope | allows |", [f"| `{scope}` | {meaning} |" for scope, meaning in SCOPES.items()])


def error_list() -> str:
    """Every error: a table, and an example of each."""
    known = list(_errors())
    rows = [f"| {error.status} | [`{error.code}`](#{error.code}) | {error.__doc__} |" for error in known]
    sections = [f"### {code}\n\n{_examples(error for error in known if error.code == code)}" for code in _codes(known)]
    return "\n\n".join([_table("| status | code | when |", rows), "## Examples", *sections])


def events() -> str:
    """Every event and its payload."""
    return "\n\n".join(_event(event) for event in EVENTS)


def filters() -> str:
    """The filters of the list of sessions."""
    return _filters_of(SessionFilters)


def admin_filters() -> str:
    """The filters of the administration's list."""
    return _filters_of(AdminFilters)


def registration_filters() -> str:
    """The filters of a session's registrations, for its hosts."""
    return _filters_of(RegistrationFilters, of="registrations")


def admin_registration_filters() -> str:
    """The filters of a session's registrations, for administrators."""
    return _filters_of(AdminRegistrationFilters, of="registrations")


def my_registration_filters() -> str:
    """The pages of the caller's registrations."""
    return _filters_of(MyRegistrationFilters, of="registrations")


def session_settings() -> str:
    """Every setting of a brand or a session: its values, its default, its meaning."""
    values, meanings = expectations_of(SettingsPatch), _properties_of(SessionSettings)
    known = msgspec.to_builtins(defaults(Settings().video_provider))
    rows = [
        f"| `{name}` | {values[name].removesuffix(' or null').removesuffix(',')} "
        f"| `{json.dumps(known[name])}` | {meanings[name]['description']} |"
        for name in meanings
    ]
    return _table("| setting | value | default | meaning |", rows)


PARTS: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    "operations": ("README.md", operations),
    "settings": ("docs/settings.md", settings),
    "scopes": ("docs/tokens.md", scopes),
    "errors": ("docs/errors.md", error_list),
    "events": ("docs/events.md", events),
    "filters": ("docs/lists.md", filters),
    "admin filters": ("docs/lists.md", admin_filters),
    "registration filters": ("docs/lists.md", registration_filters),
    "admin registration filters": ("docs/lists.md", admin_registration_filters),
    "my registration filters": ("docs/lists.md", my_registration_filters),
    "session settings": ("docs/session-settings.md", session_settings),
}


def written(part: str) -> str:
    """The part as its page has it now."""
    page, _ = PARTS[part]
    found = _between(part).search((ROOT / page).read_text())
    return "" if found is None else found[2]


def write(part: str) -> None:
    """Put the part, as the code is now, into its page."""
    page, render = PARTS[part]
    file: Path = ROOT / page
    text = render()
    file.write_text(_between(part).sub(lambda found: f"{found[1]}\n\n{text}\n\n{found[3]}", file.read_text()))


def _between(part: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- generated: {part} -->)\s*(.*?)\s*(<!-- end -->)", re.DOTALL)


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rows])


def _filters_of(schema: type[msgspec.Struct], *, of: str = "sessions") -> str:
    values = expectations_of(schema)
    rows = [f"| `{name}` | {values[name]} | {said['description']} |" for name, said in _properties_of(schema).items()]
    return _table(f"| parameter | value | which {of} |", rows)


def _properties_of(schema: type[msgspec.Struct]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([schema], schema_hook=schema_of)
    found: dict[str, Any] = components[schema.__name__]["properties"]
    return found


def _fields_of(struct: type[msgspec.Struct]) -> Iterator[inspect.Field]:
    known = inspect.type_info(struct)
    if not isinstance(known, inspect.StructType):
        raise TypeError(struct)
    yield from known.fields


def _setting_row(field: inspect.Field) -> str:
    if not isinstance(field.type, inspect.Metadata) or field.type.extra_json_schema is None:
        raise TypeError(f"{field.name} has no description")
    meaning = field.type.extra_json_schema["description"]
    return f"| `{variable(field.name)}` | {_form(field)} | {_default(field)} | {meaning} |"


def _form(field: inspect.Field) -> str:
    if field.name in FORMS_IN_WORDS:
        return FORMS_IN_WORDS[field.name]
    kind = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
    match kind:
        case inspect.IntType(ge=low, le=high):
            return f"integer, {low} to {high}"
        case inspect.FloatType(gt=low, le=high):
            return f"number, above {low}, at most {high}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case inspect.VarTupleType():
            return "list"
    return "text"


def _default(field: inspect.Field) -> str:
    if field.name in DEFAULTS_IN_WORDS:
        return DEFAULTS_IN_WORDS[field.name]
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if isinstance(value, tuple):
        value = ",".join(value)
    return "none" if value in (None, "", {}) else f"`{value}`"


def _errors() -> Iterator[type[GreenroomError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GreenroomError)]
    yield from sorted((kind for kind in found if kind is not GreenroomError), key=lambda kind: kind.status)


def _codes(known: Iterable[type[GreenroomError]]) -> list[str]:
    """Each code once: what a program must tell apart has codes of its own, and some errors need not be."""
    return list(dict.fromkeys(error.code for error in known))


def _examples(same: Iterable[type[GreenroomError]]) -> str:
    return "\n\n".join(f"```http\n{_example(EXAMPLES.get(error) or error())}\n```" for error in same)


def _example(error: GreenroomError) -> str:
    answer = error_answer(error)
    headers = [f"{name.decode()}: {value.decode()}" for name, value in answer.headers if name != b"content-length"]
    return "\n".join([f"HTTP/1.1 {answer.status}", *headers, "", json.dumps(json.loads(answer.body))])


def _event(event: Event) -> str:
    structs = msgspec.json.schema(event.payload)["$defs"]
    rows = [
        f"| `{name}` | {_json_kind(schema)} | {schema.get('description', '')} |"
        for name, schema in _fields_in(structs, event.payload.__name__)
    ]
    return f"### {event.name}\n\n{event.description}\n\n" + _table("| field | type | meaning |", rows)


def _fields_in(structs: dict[str, Any], of: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field of a payload; those of an object in it by its path."""
    for name, schema in structs[of]["properties"].items():
        if "$ref" in schema:
            inside = schema["$ref"].rpartition("/")[2]
            yield from ((f"{name}.{field}", its) for field, its in _fields_in(structs, inside))
        else:
            yield name, schema


def _json_kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_json_kind(one) for one in schema["anyOf"])
    if "items" in schema:
        return f"list: {_json_kind(schema['items'])}"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    return str(schema.get("format", schema["type"]))

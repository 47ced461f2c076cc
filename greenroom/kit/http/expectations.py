"""What each field of a schema expects, in the words of its description: the errors say it, and so does the document."""

import re
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

_AT = re.compile(r" - at `\$\.(\w+)[^`]*`$")  # at the end: what stands before it may be the caller's own text


def field_in(complaint: str) -> str | None:
    """The field that msgspec complains of; None where it is the whole that is wrong."""
    at = _AT.search(complaint)
    return None if at is None else at[1]


def expectations_of(schema: type[Struct]) -> dict[str, str]:
    """Of each field with a description, that description."""
    return {
        name: meta.description
        for name, hint in get_type_hints(schema, include_extras=True).items()
        for meta in _metas_of(hint)
        if meta.description
    }


def _metas_of(hint: Any) -> list[msgspec.Meta]:
    found = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    for part in getattr(hint, "__args__", ()):
        found += _metas_of(part)
    if origin := getattr(hint, "__origin__", None):
        found += [] if isinstance(origin, type) else _metas_of(origin)
    return found

"""Every text of the pages, by its name, in one catalogue: the files of `en/`. Another language is another such directory.

A text is a template of `str.format` whose fields are named, or an object of them by the plural of its field `n` (CLDR).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from babel import Locale

LANGUAGE: Final = "en"
FOR_SCRIPTS: Final = "live."
IN_ROOM: Final = "in_room."  # what modules say in a session's room alone: other pages are not made heavier by it

Text = str | dict[str, str]

_catalogue_in = msgspec.json.Decoder(dict[str, Text]).decode


@cache
def catalogue(language: str = LANGUAGE) -> Mapping[str, Text]:
    """The texts of a language by their names, which say their part of the pages: no two files have one in common."""
    found: dict[str, Text] = {}
    for file in sorted(Path(__file__).with_name(language).glob("*.json")):
        texts = _catalogue_in(file.read_bytes())
        if twice := found.keys() & texts.keys():
            raise AssertionError(f"{file.name} says again: {', '.join(sorted(twice))}")
        found |= texts
    return found


@cache
def locale(language: str = LANGUAGE) -> Locale:
    """The language's rules of plurals, dates and numbers."""
    return Locale.parse(language)


def text(name: str, /, *, n: int | None = None, **values: object) -> str:
    """The text of this name with its fields filled in. Raises KeyError for a name or a field that is not there."""
    found = catalogue()[name]
    if isinstance(found, dict):
        if n is None:
            raise KeyError("n")
        found = found[locale().plural_form(n)]
    return found.format(n=n, **values)


@cache
def for_scripts(prefix: str = FOR_SCRIPTS) -> bytes:
    """What modules in the browser say, as JSON that may stand in a page."""
    texts = {name.removeprefix(prefix): found for name, found in catalogue().items() if name.startswith(prefix)}
    return msgspec.json.encode(texts).replace(b"<", b"\\u003c")

"""The catalogue: every text that is used is there, with the fields that its uses give, and none is left over."""

import json
import re
from pathlib import Path

import pytest

from greenroom.web import texts

WEB = Path(texts.__file__).parents[1]
SOURCES = [*WEB.glob("templates/*.html"), *WEB.rglob("*.py"), *WEB.glob("static/*.js")]
NAME = re.compile(r"""["']([a-z_]+(?:\.[a-z_0-9]+)+)["']""")
PREFIX = re.compile(r"""["']([a-z_]+(?:\.[a-z_]+)*\.)["'{]""")
IN_SCRIPT = re.compile(r"""\btext\("(\w+)\"""")
SAID = re.compile(r"""said=["'](\w+)["']|[?&]said=(\w+)|STEPS[^=]*= (\{.*\})""")


def in_use() -> str:
    return "\n".join(source.read_text() for source in SOURCES)


@pytest.mark.parametrize("name", sorted(texts.catalogue()))
def test_every_text_is_used_somewhere(name: str) -> None:
    source = in_use()
    name = name.removesuffix("_filtered")  # the same, where a filter leaves nothing
    last = name.rpartition(".")[2]
    if name.startswith((texts.FOR_SCRIPTS, texts.IN_ROOM)):
        assert f'"{last}"' in source
    elif name.startswith("said."):
        assert re.search(rf'["=]{last}["&]?', source)
    else:
        prefix = name.removesuffix(last)
        assert any(said in source for said in (f'"{name}"', f"'{name}'", f'"{prefix}"', f'"{prefix}{{', f"'{prefix}'")), name


def test_what_modules_say_is_in_the_catalogue() -> None:
    for script in WEB.glob("static/*.js"):
        brought = (texts.FOR_SCRIPTS, texts.IN_ROOM) if script.name.startswith("room") else (texts.FOR_SCRIPTS,)
        for name in IN_SCRIPT.findall(script.read_text()):
            assert any(f"{prefix}{name}" in texts.catalogue() for prefix in brought), f"{script.name}: {name}"


def test_a_text_with_plurals_has_those_of_its_language() -> None:
    needed = {texts.locale().plural_form(n) for n in range(200)}
    for name, text in texts.catalogue().items():
        if isinstance(text, dict):
            assert text.keys() == needed, name


def test_texts_are_filled_in_and_plurals_chosen() -> None:
    assert texts.text("live.seats_left", n=1) == "1 seat left"
    assert texts.text("live.seats_left", n=0) == "0 seats left"
    with pytest.raises(KeyError):
        texts.text("live.seats_left")
    with pytest.raises(KeyError):
        texts.text("no.such.text")


def test_what_scripts_are_told_cannot_end_their_element() -> None:
    told = texts.for_scripts().decode()
    assert "<" not in told + texts.for_scripts(texts.IN_ROOM).decode()
    assert json.loads(told)["seconds"] == {"one": "{n} second", "other": "{n} seconds"}

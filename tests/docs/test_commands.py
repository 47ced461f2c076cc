"""What the README and the tutorial show is run, as it stands, and answers what they show."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenroom import commands
from tests.docs.pages import PAGES, ROOT, blocks, name_of
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import Server, environment_of, running_server

RUN = ("README.md", "docs/tutorial.md")
ADDRESS = "http://127.0.0.1:8000"  # where `make demo` listens
SHELL = shutil.which("bash") or "sh"
END_OF_BLOCK = "---- end of block ----"
SECONDS = 60

# What differs from run to run.
_CHANGING = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\s+"), " "),
)
_MAKE = re.compile(r"(?:^|`)make ((?:[a-z-]+ ?)+)", re.MULTILINE)
_GREENROOM = re.compile(r"`greenroom ([a-z]+)")


@pytest.fixture(scope="module")
def own_database(cluster: Cluster) -> TestDatabase:
    """A database in which no other test breaks promises on purpose: the tutorial checks them."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="module")
def newcomers_server(own_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What `make demo` leaves running."""
    with running_server(own_database, tmp_path_factory.mktemp("newcomer")) as running:
        yield running


@pytest.mark.parametrize("with_curl", ["curl", "our own"])
@pytest.mark.parametrize("page", RUN)
def test_a_newcomers_commands_answer_what_the_page_shows(
    page: str, with_curl: str, newcomers_server: Server, own_database: TestDatabase, tmp_path: Path
) -> None:
    if with_curl == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl here: the commands are run with tests/docs/curl.py alone")
    clone = _clone(tmp_path, own_curl=with_curl != "curl")
    shown = _shown(ROOT / page)
    script = f"\necho '{END_OF_BLOCK}'\n".join(command for command, _ in shown).replace(ADDRESS, newcomers_server.url)
    environment = environment_of(own_database)
    done = subprocess.run(
        [SHELL, "-e"], input=script, cwd=clone, env={**environment, "PATH": f"{clone}/bin:{environment['PATH']}"},
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    outputs = done.stdout.split(END_OF_BLOCK)
    assert len(outputs) == len(shown)
    for output, (_, answer) in zip(outputs, shown, strict=True):
        _assert_shows(answer, output)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_is_one(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in " ".join(_MAKE.findall(page.read_text())).split():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_is_one(page: Path) -> None:
    assert set(_GREENROOM.findall(page.read_text())) <= set(commands.__all__)


@pytest.mark.parametrize("page", RUN)
def test_only_what_stays_up_is_left_to_the_reader(page: str) -> None:
    left = [line for block in blocks(ROOT / page) if block.kind == "console" for line in block.text.splitlines()]
    assert {line.partition("#")[0].strip() for line in left} <= {"make demo", "make test"}


def _clone(directory: Path, *, own_curl: bool) -> Path:
    """A directory that looks like a clone after `make demo`, as far as the commands can see."""
    _script(directory / ".venv/bin/greenroom", f'"{sys.executable}" -m greenroom.cli')
    _script(directory / "bin/python3", f'"{sys.executable}"')
    if own_curl:
        _script(directory / "bin/curl", f'"{sys.executable}" "{Path(__file__).with_name("curl.py")}"')
    return directory


def _script(file: Path, command: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    file.chmod(0o755)


def _shown(page: Path) -> list[tuple[str, str]]:
    """Each block of commands, and the answer that stands below it, if one does."""
    found = blocks(page)
    pairs = zip(found, [*found[1:], None], strict=True)
    return [
        (block.text, "" if below is None or below.kind in {"sh", "console"} else below.text)
        for block, below in pairs
        if block.kind == "sh"
    ]


def _assert_shows(answer: str, output: str) -> None:
    """Every line of the answer is in the output, in order; `...` stands for lines that are left out."""
    said = _plain(output)
    parts = [_plain(part) for part in re.split(r"^\.\.\.$|^ +\.\.\.$", answer, flags=re.MULTILINE)]
    place = 0
    for part in parts:
        found = said.find(part, place)
        assert found >= 0, f"{part}\nis not in\n{said[place:]}"
        place = found + len(part)


def _plain(text: str) -> str:
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text.strip()

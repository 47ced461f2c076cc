"""What the pages name is there: links, files, variables, metrics, log fields; and nothing of one machine."""

import re
from pathlib import Path, PurePosixPath

import pytest

from greenroom.kit.telemetry import RequestLine, metrics_page
from greenroom.settings import Settings, variable
from tests.docs.pages import PAGES, ROOT, anchors, links, name_of, prose
from tools.house_lint import findings

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
VARIABLES = {*map(variable, Settings.__struct_fields__), "GREENROOM_SCREENSHOTS", "GREENROOM_TEST_POSTGRES"}
MOST_WORDS = 600  # of a decision: a page

PACKAGE = ROOT / "greenroom"

_FILE = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|sql|toml|json)|(?:[\w.-]+/)+)`")
_DATA_FILES = {"postgres/credentials.json", "postgres/state.json"}  # under the data directory


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    for file in _FILE.findall(page.read_text()):
        if "NNNN" not in file and file not in _DATA_FILES:
            assert (ROOT / file).exists() or any(PACKAGE.rglob(file)), file


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_variable_that_is_named_is_a_setting(page: Path) -> None:
    assert set(re.findall(r"GREENROOM_[A-Z0-9_]+", page.read_text())) <= VARIABLES


def test_no_page_names_a_machine_or_a_registry() -> None:
    assert list(findings(ROOT, [PurePosixPath(name_of(page)) for page in PAGES])) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, next_ones = set[Path](), [ROOT / "README.md"]
    while next_ones:
        page = next_ones.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            next_ones += [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link]
    assert set(PAGES) - reached == set()


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_a_decision_is_at_most_a_page_and_says_what_it_costs(decision: Path) -> None:
    text = decision.read_text()
    assert text.startswith(f"# {decision.name[:4]} ")
    assert len(text.split()) <= MOST_WORDS
    for part in ("**What was true.**", "**What we chose.**", "**What it costs.**"):
        assert part in text


def test_the_log_fields_of_the_page_are_those_that_are_logged() -> None:
    section = _section("## Logs")
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(RequestLine.__struct_fields__)


def test_the_metrics_of_the_page_are_those_that_are_served() -> None:
    named = re.findall(r"^\| `(greenroom_\w+)` \|", _section("## Health"), re.MULTILINE)
    served = re.findall(r"^# TYPE (greenroom_\w+) ", metrics_page().decode(), re.MULTILINE)
    assert sorted(named) == sorted(name for name in served if not name.endswith("_created"))


def _section(heading: str) -> str:
    text = prose(ROOT / "docs/how-to/operate.md")
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]

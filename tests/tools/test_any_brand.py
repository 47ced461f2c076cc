"""Who may use what crosses brands."""

import pytest

from tests.tools.test_brand_lint import ROOT
from tools.any_brand import CALLERS, HOLDERS, Caller, uses_of_any_brand

SOMEBODY = "greenroom/things/service.py"


def uses(source: str, path: str = SOMEBODY) -> list[int]:
    return [line for line, _ in uses_of_any_brand(source, path)]


@pytest.mark.parametrize(
    "source",
    [
        "async def get(db):\n    return await queries.get_any_brand(db)\n",
        "def get(db):\n    return map(queries.get_any_brand, db)\n",
        "GET = [\n    get_any_brand]\n",
        "def get(db):\n    return db.row(GET_ANY_BRAND)\n",
        "PROMISES = {\n    'a': queries.GET_ANY_BRAND}\n",
        "from greenroom.things import service\nfrom greenroom.things.queries import get_any_brand as get\n",
        "from greenroom.things import service\nfrom greenroom.things.queries import GET_ANY_BRAND as GET\n",
    ],
)
def test_a_use_by_somebody_is_found(source: str) -> None:
    assert uses(source) == [2]


def test_a_function_that_says_so_may() -> None:
    source = "async def gone_any_brand(db):\n    await queries.get_any_brand(db)\n    await db.row(GONE_ANY_BRAND)\n"
    assert uses(source) == []


def test_to_define_and_to_import_is_no_use() -> None:
    source = "from greenroom.things.queries import get_any_brand\nGET_ANY_BRAND = ''\nasync def it_any_brand(): ...\n"
    assert uses(source) == []


def test_a_function_that_is_named_may_and_its_neighbour_may_not() -> None:
    source = "async def {}(db):\n    return await queries.brand_of_any_brand(db)\n"
    assert uses(source.format("brand_of"), "greenroom/sessions/service.py") == []
    assert uses(source.format("get"), "greenroom/sessions/service.py") == [2]
    assert uses(source.format("brand_of")) == [2]


def test_a_package_that_is_named_may() -> None:
    source = "def check(db):\n    return queries.broken_any_brand(db)\n"
    assert uses(source, "greenroom/invariants/service.py") == []
    assert uses(source, "greenroom/invariants_too/service.py") == [2]


def test_who_may_call_may_not_hold_the_statement() -> None:
    source = "def check(db):\n    return db.rows(BROKEN_ANY_BRAND)\n"
    assert uses(source, "greenroom/identity/queries.py") == [2]
    assert uses(source, "greenroom/invariants/service.py") == []


@pytest.mark.parametrize("caller", [*CALLERS, *HOLDERS], ids=lambda caller: f"{caller.path}{caller.function or ''}")
def test_every_exception_is_still_used(caller: Caller) -> None:
    path = ROOT / caller.path
    files = list(path.rglob("*.py")) if path.is_dir() else [path]
    assert any("_any_brand" in file.read_text().lower() for file in files)

"""The import rules in pyproject.toml hold, and each of them would tell."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environment = os.environ | {"PYTHONPATH": str(project), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "greenroom", tmp_path / "greenroom", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_imports_of_the_project_keep_the_rules() -> None:
    kept = lint(ROOT)
    assert kept.returncode == 0, kept.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("kit/clock.py", "greenroom.identity.caller"),
        ("kit/clock.py", "greenroom.sessions.schemas"),
        ("kit/clock.py", "greenroom.settings"),
        ("identity/scopes.py", "greenroom.sessions.schemas"),
        ("sessions/schemas.py", "greenroom.web.health"),
        ("sessions/queries.py", "greenroom.sessions.service"),
        ("sessions/routes.py", "greenroom.sessions.queries"),
        ("invariants/service.py", "greenroom.sessions.queries"),
        ("web/health.py", "greenroom.sessions.routes"),
        ("web/health.py", "greenroom.app"),
        ("commands/check.py", "greenroom.invariants.queries"),
        ("newcomer.py", "greenroom.kit.clock"),
    ],
)
def test_an_import_upwards_or_past_the_service_is_found(copy: Path, importer: str, imported: str) -> None:
    with (copy / "greenroom" / importer).open("a") as module:
        module.write(f"\nimport {imported}\n")
    broken = lint(copy)
    assert broken.returncode == 1, broken.stdout
    assert "BROKEN" in broken.stdout


def test_a_noun_may_call_the_service_of_another(copy: Path) -> None:
    with (copy / "greenroom/invariants/service.py").open("a") as module:
        module.write("\nimport greenroom.sessions.service\n")
    kept = lint(copy)
    assert kept.returncode == 0, kept.stdout


def test_every_queries_module_of_a_noun_is_protected() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    protected = {module for contract in contracts for module in contract.get("protected_modules", [])}
    nouns = {path.parent.name for path in (ROOT / "greenroom").glob("*/queries.py")} - {"kit"}
    assert {f"greenroom.{noun}.queries" for noun in nouns} <= protected

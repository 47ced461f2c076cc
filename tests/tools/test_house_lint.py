"""The rules about files: each finds what is bad and lets pass what is good."""

from pathlib import Path, PurePosixPath

import pytest

from tests.tools.project import write
from tools import house_lint

ROOT = Path(__file__).parents[2]


def lint(root: Path, files: dict[str, str | bytes]) -> list[str]:
    write(root, {name: text for name, text in files.items() if isinstance(text, str)})
    for name, octets in files.items():
        if isinstance(octets, bytes):
            (root / name).write_bytes(octets)
    return [str(finding) for finding in house_lint.findings(root, [PurePosixPath(name) for name in files])]


def in_greenroom(root: Path, source: str, name: str = "greenroom/things.py") -> list[str]:
    return lint(root, {"greenroom/__init__.py": "", name: source})


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "SELECT id FROM things",
        "\n    -- why\n    select id\n    from things",
        "select pg_advisory_lock(1)",
        "insert into things (id) values ($1)",
        "update things set id = $1",
        "update only things as t set id = $1",
        "delete from things",
        "with gone as (delete from things returning id) select * from gone",
        "with recursive up (id) as (values (1)) table up",
        "create table things (id uuid)",
        "create unique index on things (id)",
        "alter role greenroom password 'x'",
        "drop database greenroom",
        "truncate things",
        "grant select on things to public",
        "copy things (id) from stdin",
        "set local lock_timeout = '5s'",
        "set lock_timeout = '5s'",
        "listen things",
    ],
)
def test_sql_outside_queries_is_found(tmp_path: Path, sql: str) -> None:
    found = in_greenroom(tmp_path, f'"""Things."""\n\nIT = {sql!r}\n')
    assert [line.split(": ")[0] for line in found] == ["greenroom/things.py:3"]


@pytest.mark.parametrize(
    "source",
    [
        "async def get(db):\n    return await db.row(f'select {COLUMNS} from things')\n",
        "async def get(db):\n    return await db.row('select id ' + 'from things')\n",
    ],
)
def test_sql_that_is_put_together_is_found(tmp_path: Path, source: str) -> None:
    assert [line.split(": ")[0] for line in in_greenroom(tmp_path, source)] == ["greenroom/things.py:2"]


@pytest.mark.parametrize(
    "source",
    [
        '"""Select the things from the list."""\n',
        "def update():\n    '''update things set in stone'''\n",
        "IT = 'Selected by its name, from the list.'\n",
        "IT = 'select'\n",
        "IT = 'update'\n",
        "IT = 'set GREENROOM_DATABASE_URL to the database'\n",
        "IT = 'Create it with: create role greenroom'\n",
        "IT = 'with_host'\n",
    ],
)
def test_prose_is_no_sql(tmp_path: Path, source: str) -> None:
    assert in_greenroom(tmp_path, source) == []


def test_sql_in_queries_and_migrations_and_in_tests_passes(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "greenroom/__init__.py": "",
        "greenroom/queries.py": "IT = 'select 1'\n",
        "greenroom/migrations/0001_first.sql": "select 1;\n",
        "greenroom/kit/embedded/roles.sql": "create role greenroom;\n",
        "tests/test_it.py": "IT = 'select 1'\n",
    }
    assert lint(tmp_path, files) == []


def test_a_sql_file_elsewhere_is_found(tmp_path: Path) -> None:
    assert len(lint(tmp_path, {"greenroom/things.sql": "select 1;\n"})) == 1


@pytest.mark.parametrize("house", ["greenroom", "tests", "tools", "bench"])
def test_a_file_past_400_lines_is_found(tmp_path: Path, house: str) -> None:
    init = {f"{house}/__init__.py": ""}
    assert lint(tmp_path, {**init, f"{house}/things.py": "IT = 1\n" * 400}) == []
    assert len(lint(tmp_path, {**init, f"{house}/things.py": "IT = 1\n" * 401})) == 1


def test_a_long_file_of_another_kind_passes(tmp_path: Path) -> None:
    assert lint(tmp_path, {"tests/contract.yaml": "it: 1\n" * 500, "docs/things.py": "IT = 1\n" * 500}) == []


@pytest.mark.parametrize("name", ["utils.py", "helpers/__init__.py", "things/common.py", "base.py"])
@pytest.mark.parametrize("house", ["tests", "tools", "bench"])
def test_a_name_that_says_nothing_is_found(tmp_path: Path, house: str, name: str) -> None:
    assert len(lint(tmp_path, {f"{house}/{name}": ""})) == 1


@pytest.mark.parametrize("name", ["database.py", "base32.py", "common_law.py", "base.css"])
def test_a_name_that_says_something_passes(tmp_path: Path, name: str) -> None:
    assert lint(tmp_path, {f"tests/{name}": ""}) == []


@pytest.mark.parametrize(
    "comment",
    [
        "# type: ignore",
        "# type:ignore  # why",
        "# noqa",
        "# NOQA  # why",
        "# noqa: because",
        "# ruff: noqa",
        "# ruff: noqa: E501",
        "# flake8: noqa",
        "# mypy: ignore-errors",
    ],
)
def test_a_suppression_that_covers_too_much_is_found(tmp_path: Path, comment: str) -> None:
    found = in_greenroom(tmp_path, f"IT = 1\nTHAT = 2  {comment}\n")
    assert {line.split(": ")[0] for line in found} == {"greenroom/things.py:2"}


@pytest.mark.parametrize("line", ["IT = 1  # type: ignore[misc]  # why", "IT = 1  # noqa: S105", "IT = '# noqa'"])
def test_a_suppression_with_its_code_passes(tmp_path: Path, line: str) -> None:
    assert in_greenroom(tmp_path, f"{line}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "DATA=/root/things",
        "see `/work/things`",
        "file:///home/ada/things",
        "PATH=/tmp/v/bin",
        "--index-url https://pypi.org/simple",
        '"resolved": "https://registry.npmjs.org/hono"',
        "https://files.pythonhosted.org/packages",
    ],
)
def test_a_name_of_a_machine_or_registry_is_found(tmp_path: Path, text: str) -> None:
    assert [line.split(": ")[0] for line in lint(tmp_path, {"docs/it.md": f"# It\n{text}\n"})] == ["docs/it.md:2"]


@pytest.mark.parametrize(
    "text",
    [
        "/var/lib/greenroom",
        "the root/ of the framework/work/",
        "~/work/things",
        "https://example.com/home/ada",
        "mypypi.organic",
        "TMPDIR=/tmp",
    ],
)
def test_other_paths_and_hosts_pass(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, {"docs/it.md": text}) == []


def test_what_is_no_text_is_passed_over(tmp_path: Path) -> None:
    assert lint(tmp_path, {"it.png": b"\x89PNG /root/things"}) == []


def test_a_directory_of_modules_without_init_is_found(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "greenroom/__init__.py": "",
        "greenroom/things/deep/service.py": "",
        "greenroom/web/docs.css": "",
    }
    found = [line.split(":")[0] for line in lint(tmp_path, files)]
    assert found == ["greenroom/things/__init__.py", "greenroom/things/deep/__init__.py"]


@pytest.mark.parametrize("name", [*house_lint.OTHER_SQL, *house_lint.MACHINE_NAMES])
def test_every_exception_is_still_there(name: str) -> None:
    assert (ROOT / name).is_file()


def test_the_project_itself_keeps_the_rules(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert house_lint.main() == 0, capsys.readouterr().out


def test_what_git_would_track_is_what_is_read() -> None:
    files = house_lint.tracked(ROOT)
    assert PurePosixPath("tools/house_lint.py") in files
    assert not [file for file in files if "__pycache__" in file.parts]


def test_a_directory_that_git_does_not_know_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="git does not say"):
        house_lint.main()

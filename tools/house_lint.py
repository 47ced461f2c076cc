"""The rules of the house that are about files: where SQL lives, how long a file is, what it is called, what it gives away.

Run as `python -m tools.house_lint` in the project; it reads what git tracks, or would track.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tools.findings import Finding, report
from tools.python_sql import docstrings, is_string, text_of

MOST_LINES = 400
OF_THE_HOUSE = frozenset({"greenroom", "tests", "tools", "bench"})
NAMELESS = frozenset({"utils", "helpers", "common", "base"})

# Files of SQL beside queries.py and migrations/, and why they are none of both.
OTHER_SQL = {
    "greenroom/kit/embedded/roles.sql": "runs in `postgres --single`, before there is a database to migrate",
}
# Files that name a machine's paths or a package registry, and why they may.
MACHINE_NAMES = {
    "tools/house_lint.py": "says what to look for",
    "tests/tools/test_house_lint.py": "shows that it is found",
}

_SQL = re.compile(
    r"""^\s*(?:--[^\n]*\n\s*)*(?:
        select\s.*?\bfrom\s+[\w."(]       | select\s+(?:[\d$*'(]|\w+\s*\()
      | insert\s+into\s+[\w."]            | update\s+(?:only\s+)?[\w."]+\s+(?:as\s+)?(?:\w+\s+)?set\s
      | delete\s+from\s+[\w."]            | merge\s+into\s+[\w."]
      | with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\)\s*)?as\s+(?:(?:not\s+)?materialized\s*)?\(
      | truncate\s+[\w."]                 | lock\s+table\s | copy\s+[\w."]+\s*(?:\([^)]*\)\s*)?(?:from|to)\s
      | (?:create|alter|drop)\s+(?:or\s+replace\s+)?(?:(?:unique|materialized|unlogged|temporary|temp)\s+)?
        (?:table|index|view|function|procedure|role|user|database|schema|type|trigger|extension|sequence)\s
      | (?:grant|revoke)\s+(?:all|select|insert|update|delete|usage|execute|connect|create)\b
      | set\s+(?:local\s+|session\s+)\w   | set\s+\w+\s*=\s | (?:un)?listen\s+\w+\s*$ | notify\s+\w+\s*(?:,|$)
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_SUPPRESSIONS = (
    (re.compile(r"#\s*type:\s*ignore(?!\[)"), "`type: ignore` without a code"),
    (re.compile(r"#\s*noqa(?!:\s*[A-Z]+\d)", re.IGNORECASE), "`noqa` without a code"),
    (re.compile(r"#\s*(?:ruff|flake8):\s*noqa", re.IGNORECASE), "`noqa` for a whole file"),
    (re.compile(r"#\s*mypy:"), "mypy's settings are changed for a whole file"),
)
_MACHINE = re.compile(
    r"""(?<![\w.~-])(?:/root/|/work/|/home/\w|/tmp/[A-Za-z])
      | \b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|proxy\.golang\.org)\b""",
    re.VERBOSE,
)


def tracked(root: Path) -> list[PurePosixPath]:
    """The files that git tracks, or would if they were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [PurePosixPath(name) for name in sorted(set(listed.stdout.split("\0"))) if name and (root / name).is_file()]


def findings(root: Path, files: Sequence[PurePosixPath]) -> Iterator[Finding]:
    """Everything that is wrong in the files, whose paths are relative to root."""
    yield from _without_init(files)
    for file in files:
        text = _text(root / file)
        if text is None:
            continue
        yield from _machine_names(file, text)
        if file.parts[0] not in OF_THE_HOUSE:
            continue
        yield from _nameless(file)
        if file.suffix == ".py":
            yield from _too_long(file, text)
            yield from _suppressions(file, text)
        if file.parts[0] == "greenroom":
            yield from _stray_sql(file, text)


def _text(path: Path) -> str | None:
    """None for what is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _stray_sql(file: PurePosixPath, text: str) -> Iterator[Finding]:
    if file.suffix == ".sql" and file.parent != PurePosixPath("greenroom/migrations") and str(file) not in OTHER_SQL:
        yield Finding(str(file), 1, "SQL lives in queries.py and greenroom/migrations/")
    if file.suffix != ".py" or file.name == "queries.py":
        return
    tree = ast.parse(text)
    prose = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and is_string(node) and id(node) not in prose and _SQL.match(text_of(node)):
            yield Finding(str(file), node.lineno, f"SQL lives in queries.py and migrations/: {_start_of(text_of(node))}")


def _start_of(sql: str) -> str:
    return " ".join(sql.split())[:40]


def _too_long(file: PurePosixPath, text: str) -> Iterator[Finding]:
    lines = len(text.splitlines())
    if lines > MOST_LINES:
        yield Finding(str(file), MOST_LINES + 1, f"{lines} lines: a file past {MOST_LINES} is two ideas")


def _nameless(file: PurePosixPath) -> Iterator[Finding]:
    for part in (*file.parts[:-1], file.stem if file.suffix == ".py" else ""):
        if part in NAMELESS:
            yield Finding(str(file), 1, f"{part} says nothing: name it for what it does")


def _suppressions(file: PurePosixPath, text: str) -> Iterator[Finding]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            for pattern, what in _SUPPRESSIONS:
                if pattern.search(token.string):
                    yield Finding(str(file), token.start[0], what)


def _machine_names(file: PurePosixPath, text: str) -> Iterator[Finding]:
    if str(file) in MACHINE_NAMES:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _MACHINE.search(line):
            yield Finding(str(file), number, f"{match.group()} belongs to one machine or registry, not to the project")


def _without_init(files: Sequence[PurePosixPath]) -> Iterator[Finding]:
    packages = {file.parent for file in files if file.suffix == ".py" and file.parts[0] == "greenroom"}
    packages |= {above for package in packages for above in package.parents if above.parts}
    for package in sorted(packages):
        if package / "__init__.py" not in files:
            yield Finding(str(package / "__init__.py"), 1, "is missing: a directory of modules is a package")


def main() -> int:
    """Lint the project in the working directory."""
    root = Path.cwd()
    try:
        files = tracked(root)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"house_lint: git does not say which files are the project's: {error}")
    return report(findings(root, files))


if __name__ == "__main__":
    sys.exit(main())

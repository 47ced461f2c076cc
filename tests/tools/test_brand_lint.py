"""Statements of queries.py: confined by brand_id, or found."""

from pathlib import Path

import pytest

from tests.tools.project import SCHEMA, write
from tools import brand_lint
from tools.findings import Finding

ROOT = Path(__file__).parents[2]
QUERIES = "greenroom/things/queries.py"


def lint(root: Path, files: dict[str, str]) -> list[Finding]:
    write(root, {"greenroom/migrations/0001_first.sql": SCHEMA} | files)
    return list(brand_lint.findings(root, [root / "greenroom"]))


CONFINED = {
    "by an argument": "select * from sessions where brand_id = $1 and id = $2",
    "by an alias": "select s.title from sessions as s where s.id = $2 and (s.brand_id = $1)",
    "with arguments side by side": "select f($1,$2,$3) from sessions where brand_id=$1",
    "by a row": "select 1 from sessions where (brand_id, id) = ($1, $2)",
    "by a list": "select 1 from sessions where brand_id = any($1)",
    "in another schema's words": 'select 1 from public."sessions" where brand_id = $1',
    "both sides of a join": "select 1 from sessions s join registrations r on r.brand_id = s.brand_id and r.id = s.id "
    "where s.brand_id = $1",
    "a left join in its ON": "select 1 from sessions s left join registrations r on r.brand_id = $1 where s.brand_id = $1",
    "a join by using": "select 1 from sessions s join registrations r using (brand_id) where s.brand_id = $1",
    "a bare column after using": "select 1 from sessions join registrations using (brand_id) where brand_id = $1",
    "a chain of joins": "select 1 from sessions s, registrations r, outbox o "
    "where o.brand_id = r.brand_id and r.brand_id = s.brand_id and s.brand_id = $1",
    "a subselect": "select (select true from outbox o where o.brand_id = s.brand_id) from sessions s where s.brand_id = $1",
    "common table expressions": "with s as (select * from sessions where brand_id = $1 for no key update), "
    "o as (update sessions set title = $2 from s where sessions.brand_id = s.brand_id returning sessions.id) table o",
    "one called as a table is": "with sessions as (select * from registrations where brand_id = $1) select * from sessions",
    "an update from": "update sessions s set title = r.id from outbox r where s.brand_id = r.brand_id and r.brand_id = $1",
    "a delete using": "delete from outbox o using sessions s where o.brand_id = $1 and s.brand_id = o.brand_id",
    "an insert": "insert into sessions (id, brand_id) values ($1, $2)",
    "an upsert": "insert into sessions (brand_id, id) values ($1, $2) on conflict (brand_id, id) do update set title = $3",
    "an insert that yields": "insert into sessions (brand_id, id) values ($1, $2) on conflict do nothing",
    "a function": "select * from sessions($1, $2)",
    "a table that is no tenant's": "select * from tokens where id = $1",
    "a tenant's table in a string": "select 'from sessions' as text from tokens",
    "a tenant's table in a comment": "select 1 -- from sessions\nfrom tokens /* sessions */",
    "a union": "select id from sessions where brand_id = $1 union all select id from registrations where brand_id = $1",
}

UNCONFINED = {
    "no where": "select * from sessions",
    "another column": "select * from sessions where id = $1",
    "brand_id in the select list only": "select brand_id from sessions where id = $1",
    "brand_id in the order only": "select id from sessions order by brand_id",
    "brand_id in a comment": "select * from sessions where id = $1 -- and brand_id = $2",
    "brand_id in a block comment": "select * from sessions where /* brand_id = $2 and */ id = $1",
    "brand_id in a string": "select * from sessions where title = 'brand_id = $1'",
    "brand_id in a name": "select * from sessions where other_brand_id = $1",
    "brand_id by or": "select * from sessions where brand_id = $1 or id = $2",
    "brand_id by not": "select * from sessions where not brand_id = $1",
    "another brand": "select * from sessions where brand_id <> $1",
    "itself": "select * from sessions where brand_id = brand_id",
    "itself by default": "select * from sessions where brand_id = coalesce($1, brand_id)",
    "a join with one side": "select 1 from sessions s join registrations r on r.id = s.id where s.brand_id = $1",
    "a comma with one side": "select 1 from sessions s, registrations r where s.brand_id = $1 and r.id = s.id",
    "a join that starts nowhere": "select 1 from sessions s join registrations r on r.brand_id = s.brand_id",
    "a join with itself": "select 1 from sessions a join sessions b on b.title = a.title where a.brand_id = $1",
    "a left join's ON for its left side": "select 1 from sessions s left join outbox r on r.brand_id = $1 and s.brand_id = $1",
    "a nested join": "select 1 from tokens t join (sessions s join registrations r on true) on s.brand_id = $1",
    "a lateral": "select 1 from sessions s, lateral (select 1 from registrations r where r.id = s.id) x where s.brand_id = $1",
    "a subselect": "select 1 from sessions s where s.brand_id = $1 and exists (select from outbox o where o.id = s.id)",
    "the brand in a subselect only": "select 1 from sessions where exists (select from registrations r where r.brand_id = $1)",
    "a common table expression": "with r as (select * from outbox) select * from sessions, r where sessions.brand_id = $1",
    "one that hides its own table": "with sessions as (select * from sessions) select * from sessions where brand_id = $1",
    "a change in one": "with gone as (delete from outbox where id = $1 returning id) select * from sessions, gone "
    "where sessions.brand_id = $1",
    "one half of a union": "select id from sessions where brand_id = $1 union all select id from registrations",
    "an update": "update sessions set brand_id = $1 where id = $2",
    "an update from": "update sessions s set title = '' from registrations r where r.brand_id = $1 and r.id = s.id",
    "the source of an update": "update sessions s set title = r.id from registrations r where s.brand_id = $1",
    "a delete": "delete from outbox where id = $1",
    "a delete using": "delete from outbox o using sessions s where s.brand_id = $1 and o.id = s.id",
    "an insert without it": "insert into sessions (id, title) values ($1, 'brand_id')",
    "an insert without columns": "insert into sessions values ($1, $2)",
    "an insert's select": "insert into sessions (brand_id, id) select brand_id, id from registrations",
    "an upsert by another key": "insert into sessions (brand_id, id) values ($1, $2) on conflict (id) do update set title = $3",
    "truncate": "truncate sessions",
    "merge": "merge into sessions s using tokens t on s.id = t.id when matched then delete",
    "table": "table sessions",
    "copy": "copy sessions to stdout",
    "what the parser cannot read": "select from from sessions where where brand_id = $1",
    "the second of two": "select 1; delete from sessions",
    "a function that crosses": "select * from relay_any_brand_v1($1)",
}


@pytest.mark.parametrize("sql", CONFINED.values(), ids=CONFINED.keys())
def test_a_confined_statement_passes(tmp_path: Path, sql: str) -> None:
    assert lint(tmp_path, {QUERIES: f"IT = {sql!r}\n"}) == []


@pytest.mark.parametrize("sql", UNCONFINED.values(), ids=UNCONFINED.keys())
def test_an_unconfined_statement_is_found(tmp_path: Path, sql: str) -> None:
    found = lint(tmp_path, {QUERIES: f"IT = {sql!r}\n"})
    assert {finding.path for finding in found} == {QUERIES}


@pytest.mark.parametrize(
    "source",
    [
        "async def get(db):\n    return await db.row('select * from sessions where id = $1', 1)\n",
        "class Queries:\n    GET = 'select * from sessions'\n",
        "GET: str = 'select * ' + 'from sessions'\n",
        "GET = ('select * '\n    'from sessions')\n",
        "TABLE = 'sessions'\nGET = f'select * from {TABLE} where id = $1'\n",
        "FROM = ' from sessions'\nGET = 'select *' + FROM\n",
        "GET = {'get': ['select * from sessions']}\n",
        "def get_any_brand_of(db):\n    return db.row('select * from sessions')\n",
    ],
)
def test_a_statement_is_found_wherever_the_string_stands(tmp_path: Path, source: str) -> None:
    assert len(lint(tmp_path, {QUERIES: source})) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""Select what is from sessions."""\n',
        "GET_ANY_BRAND = 'select * from sessions'\n",
        "GET_ANY_BRAND: str = 'select * ' + 'from sessions'\n",
        "async def get_any_brand(db):\n    return await db.row('select * from sessions')\n",
        "COLUMNS = 'id, title'\nGET = f'select {COLUMNS} from sessions where brand_id = $1'\n",
        "KIND = 'select'\n",
    ],
)
def test_prose_and_what_is_named_any_brand_pass(tmp_path: Path, source: str) -> None:
    assert lint(tmp_path, {QUERIES: source}) == []


def test_a_finding_names_the_line_of_the_table(tmp_path: Path) -> None:
    found = lint(tmp_path, {QUERIES: '"""Things."""\n\nGET = """\nselect 1\nfrom sessions s\n"""\n'})
    assert [str(finding) for finding in found] == [f"{QUERIES}:5: select sessions s: not confined by brand_id in WHERE or ON"]


def test_only_the_given_paths_are_read(tmp_path: Path) -> None:
    bad = "GET = 'select * from sessions'\n"
    write(tmp_path, {"greenroom/migrations/0001_first.sql": SCHEMA, QUERIES: bad, "greenroom/others/queries.py": bad})
    found = brand_lint.findings(tmp_path, [tmp_path / QUERIES])
    assert {finding.path for finding in found} == {QUERIES}


def test_a_project_without_tenant_tables_is_found(tmp_path: Path) -> None:
    (tmp_path / "greenroom").mkdir()
    assert len(list(brand_lint.findings(tmp_path, [tmp_path / "greenroom"]))) == 1


def test_the_command_prints_a_line_for_each_finding_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lint(tmp_path, {QUERIES: "A = 'delete from sessions'\nB = 'select 1 from outbox'\n"})
    monkeypatch.chdir(tmp_path)
    assert brand_lint.main([]) == 1
    assert [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()] == [f"{QUERIES}:1", f"{QUERIES}:2"]
    assert brand_lint.main(["greenroom/migrations"]) == 0


def test_the_project_itself_keeps_the_rule() -> None:
    assert list(brand_lint.findings(ROOT, [ROOT / "greenroom"])) == []

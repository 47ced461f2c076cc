"""Statements of migrations, function bodies included: confined by brand_id, or found."""

from pathlib import Path

import pytest

from tests.tools.project import SCHEMA, write
from tools import brand_lint
from tools.findings import Finding
from tools.migration_sql import tenant_tables

FUNCTION = "create or replace function f_v1(p_brand_id text, p_id uuid) returns void language {} as $body$\n{}\n$body$;"

CONFINED = {
    "select into": "select * into strict s from sessions where brand_id = p_brand_id and id = p_id for no key update;",
    "select into several": "select id, title into an_id, s.title from sessions where brand_id = p_brand_id;",
    "update returning into": "update sessions set title = 'x;y' where brand_id = p_brand_id returning * into s;",
    "insert": "insert into sessions (brand_id, id) values (p_brand_id, p_id) returning id into an_id;",
    "condition": "if exists (select from sessions where brand_id = p_brand_id) then return; end if;",
    "assignment": "found_one := exists (select from sessions where brand_id = p_brand_id);",
    "case": "update sessions set title = case when true then 'a' else 'b' end where brand_id = p_brand_id;",
    "loop": "for s in select * from sessions where brand_id = p_brand_id loop perform g_v1(s); end loop;",
    "query": "return query select * from sessions where brand_id = p_brand_id;",
    "distinct": "if s.title is distinct from p_title then return; end if;",
    "dynamic": "execute format('select 1 from sessions where brand_id = %L and id = $1', p_brand_id) into s using p_id;",
    "grant": "execute format('grant select on sessions to %I', p_role);",
    "raise": "raise exception 'delete from sessions is refused' using hint = 'select * from sessions';",
    "variable": "perform g_v1(s.brand_id, 'sessions');",
    "cursor": "fetch next from sessions into s;",
}

UNCONFINED = {
    "select into": "select * into s from sessions where id = p_id;",
    "select of brand_id": "select brand_id into s from sessions where id = p_id;",
    "condition": "if exists (select from sessions where id = p_id) then return; end if;",
    "then": "if p_id is null then delete from sessions; end if;",
    "else": "if p_id is null then return; else delete from sessions; end if;",
    "elsif": "if p_id is null then return; elsif (select true from sessions) then return; end if;",
    "while": "while exists (select from sessions) loop null; end loop;",
    "loop": "for s in select * from sessions loop perform g_v1(s); end loop;",
    "in the loop": "for i in 1..2 loop update sessions set title = ''; end loop;",
    "case": "case p_id when null then delete from sessions; else null; end case;",
    "case with a subselect": "case when exists (select from sessions) then null; end case;",
    "assignment": "n := (select count(*) from sessions);",
    "bare assignment": "n := count(*) from sessions;",
    "old assignment": "n = (select count(*) from sessions);",
    "perform": "perform 1 from sessions where id = p_id;",
    "return": "return (select title from sessions where id = p_id);",
    "return query": "return query select * from sessions;",
    "argument": "perform g_v1((select title from sessions where id = p_id));",
    "named argument": "perform g_v1(p := (select title from sessions where id = p_id));",
    "nested block": "begin insert into sessions (id) values (p_id); exception when others then null; end;",
    "handler": "begin null; exception when unique_violation then delete from sessions; end;",
    "open": "open c for select * from sessions;",
    "dynamic": "execute 'delete from sessions';",
    "dynamic by format": "execute format('delete from sessions where id = %L', p_id);",
    "dynamic in parts": "return query execute 'select * from sessions where ' || p_where;",
    "raise": "raise notice '%', (select title from sessions);",
    "commented": "select * into s from sessions where id = p_id; -- brand_id = p_brand_id",
    "crossing": "perform relay_any_brand_v1();",
}


def lint(root: Path, migration: str, schema: str = SCHEMA) -> list[Finding]:
    write(root, {"greenroom/migrations/0001_first.sql": schema, "greenroom/migrations/0002_second.sql": migration})
    return list(brand_lint.findings(root, [root / "greenroom"]))


def plpgsql(statement: str) -> str:
    return FUNCTION.format("plpgsql", f"declare\n    s sessions;\n    n integer := 0;\nbegin\n    {statement}\nend")


@pytest.mark.parametrize("statement", CONFINED.values(), ids=CONFINED.keys())
def test_a_confined_statement_of_a_body_passes(tmp_path: Path, statement: str) -> None:
    assert lint(tmp_path, plpgsql(statement)) == []


@pytest.mark.parametrize("statement", UNCONFINED.values(), ids=UNCONFINED.keys())
def test_an_unconfined_statement_of_a_body_is_found(tmp_path: Path, statement: str) -> None:
    assert [finding.line for finding in lint(tmp_path, plpgsql(statement))] == [6]


@pytest.mark.parametrize(
    "migration",
    [
        "update sessions set title = 'a;b' where id = 1;",
        "insert into sessions (id) select id from tokens;",
        "do $$ begin delete from sessions; end $$;",
        "do language plpgsql 'begin delete from sessions where title = ''brand_id''; end';",
        "create view every_session as select * from sessions;",
        "create table copies as select * from sessions where brand_id = 'a';",
        FUNCTION.format("sql", "select title from sessions where id = p_id"),
        FUNCTION.format("sql", "select 1; delete from sessions where id = p_id"),
        "create function f() returns bigint language sql as 'select count(*) from sessions';",
        "create function f() returns bigint language sql return (select count(*) from sessions);",
        "create function f_any_brand_of() returns void language sql as $$ delete from sessions $$;",
        FUNCTION.format("plpgsql", "declare n bigint := (select count(*) from sessions); begin end"),
        FUNCTION.format("plpgsql", "declare n bigint default (select count(*) from sessions); begin end"),
        FUNCTION.format("plpgsql", "declare c cursor for select * from sessions; begin end"),
    ],
)
def test_a_statement_is_found_wherever_it_stands(tmp_path: Path, migration: str) -> None:
    assert lint(tmp_path, migration) != []


@pytest.mark.parametrize(
    "migration",
    [
        "update sessions set title = 'a;b' where brand_id = 'a';",
        "-- delete from sessions;\n/* truncate sessions; */ select 'delete from sessions;';",
        "create index on sessions (id) where title is not null; comment on table sessions is 'select * from sessions';",
        "create trigger t before update or delete on sessions for each statement execute function refuse();",
        "drop table sessions; alter table sessions add column note text;",
        FUNCTION.format("sql", "select title from sessions where brand_id = p_brand_id"),
        "create function relay_any_brand() returns bigint language sql as $$ select count(*) from outbox $$;",
        "create function relay_any_brand_v1() returns void language plpgsql as $$ begin delete from outbox; end $$;",
        "create function f_any_brand() returns void language sql as $$ delete from outbox $$; select f_any_brand();",
    ],
)
def test_what_is_confined_or_touches_no_row_passes(tmp_path: Path, migration: str) -> None:
    assert lint(tmp_path, migration) == []


@pytest.mark.parametrize(
    "schema",
    [
        "create table if not exists t (id uuid, brand_id text collate \"C\" not null check (brand_id <> ''));",
        "create unlogged table public.\"t\" (brand_id text default 'a, b' not null);",
        "create table t (id uuid); alter table only t add column brand_id text, alter column brand_id set not null;",
    ],
)
def test_a_table_whose_brand_is_not_null_is_a_tenants(schema: str) -> None:
    assert tenant_tables(schema) == {"t"}


@pytest.mark.parametrize(
    "schema",
    [
        "create table t (id uuid not null, brand_id text, title text not null);",
        "create table t (id uuid); -- brand_id text not null",
        "create table t (id uuid default 'brand_id not null');",
        "create table t (brand_id text not null); ".replace("brand_id", "other_brand_id"),
    ],
)
def test_a_table_without_one_must_be_explained(tmp_path: Path, schema: str) -> None:
    assert tenant_tables(schema) == frozenset()
    assert [finding.line for finding in lint(tmp_path, schema)] == [1]

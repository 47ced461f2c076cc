"""A project of a few files, for the lints to read."""

from pathlib import Path

SCHEMA = """
create table sessions (brand_id text not null, id uuid not null, title text, primary key (brand_id, id));
create table registrations (brand_id text not null, id uuid not null, session_id uuid not null);
create table outbox (id uuid, brand_id text  -- the tenant
    not null, payload jsonb);
create table tokens (id uuid primary key, brand_id text, scope text not null);
create index sessions_by_title on sessions (title);
grant select on sessions to public;
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root

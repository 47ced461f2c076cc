"""The list of sessions by time, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlalchemy import Integer, Row, Select, Text, bindparam, cast, column, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.cursors import opened, seal
from app.errors import forbidden_brand, invalid
from app.models import SessionRow, registrations
from app.schemas import SessionFilters
from app.sessions import wire_time
from app.tokens import Caller

USUAL_LIMIT = 20
BEFORE_ALL = UUID(int=0)
DECEMBER = 12

# What the wire shows, in its order; metadata goes from the database to the wire as text.
_COLUMNS = (
    SessionRow.id,
    SessionRow.host_id,
    SessionRow.brand_id,
    SessionRow.title,
    SessionRow.kind,
    SessionRow.category,
    SessionRow.scheduled_at,
    SessionRow.started_at,
    SessionRow.ended_at,
    SessionRow.status,
    SessionRow.stream_call_id,
    SessionRow.max_participants,
    SessionRow.duration_minutes,
    SessionRow.recording_url,
    cast(SessionRow.document, Text),
    SessionRow.created_at,
    SessionRow.updated_at,
    SessionRow.registered_count,
)
# The columns that a filter may name; the one that the wire does not show is not loaded with every row.
_FILTERED = {
    "host_id": SessionRow.host_id,
    "community_slug": column("community_slug", Text),
    "category": SessionRow.category,
    "kind": SessionRow.kind,
}
# `offset 0` keeps it a search by key for each row: else the planner reads all registrations of the caller while there are few.
_is_registered = (
    select(literal_column("1"))
    .where(
        registrations.c.brand_id == SessionRow.brand_id,
        registrations.c.session_id == SessionRow.id,
        registrations.c.user_id == bindparam("user"),
        registrations.c.status == literal_column("'registered'"),
    )
    .offset(literal_column("0"))
    .exists()
    .label("is_registered")
)


@dataclass(frozen=True, slots=True)
class Page:
    """Sessions as JSON, and the cursor of the next page when there is one."""

    body: bytes
    next_cursor: str | None


def filters_in(query: bytes) -> SessionFilters:
    """The query's parameters, each at most once. Raises Refusal."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) < len(pairs):
        raise invalid("The query: expected each parameter once.")
    try:
        return SessionFilters.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise invalid(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from None


def next_link(path: str, query: bytes, cursor: str) -> str:
    """The Link header of the next page (RFC 8288): this request with another cursor."""
    kept = [(name, value) for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if name != "cursor"]
    return f'<{path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'


async def page(db: AsyncSession, caller: Caller, filters: SessionFilters) -> Page:
    """The page that the filters ask for. Raises Refusal."""
    if filters.brand_id not in (None, caller.brand):
        raise forbidden_brand()
    upcoming = _same(filters, "upcoming_only", "upcoming")
    wanted = {
        "host_id": _same(filters, "host_user_id", "host_id"),
        "community_slug": filters.community_id,
        "category": filters.category,
        "kind": filters.kind,
    }
    bound = orjson.dumps(
        ["sessions", caller.brand, filters.model_dump(exclude={"brand_id", "cursor", "limit"}, exclude_none=True)]
    )
    after, before = _bounds_of(filters.month)
    after_id = BEFORE_ALL
    if upcoming:
        now = datetime.now(UTC)
        after = now if after is None else max(after, now)
    if filters.cursor is not None:
        position = opened(filters.cursor, bound)
        if position is None:
            raise invalid("cursor: expected the cursor of an answer to the same filters.")
        begun, _, known_id = position.decode().partition(" ")
        time = datetime.fromisoformat(begun)
        if after is None or time >= after:
            after, after_id = time, UUID(known_id)

    values: dict[str, object] = {name: value for name, value in wanted.items() if value is not None}
    statuses = (*([filters.status] if filters.status else []), *(["scheduled"] if upcoming else []))
    statement = _statement(tuple(values), statuses, has_after=after is not None, has_before=before is not None)
    limit = USUAL_LIMIT if filters.limit is None else filters.limit
    values |= {"brand": caller.brand, "user": caller.user, "rows": limit + 1}
    if after is not None:
        values |= {"after": after, "after_id": after_id}
    if before is not None:
        values["before"] = before
    rows = (await db.execute(statement, values)).all()
    return _page_of(rows, limit=limit, bound=bound)


@lru_cache
def _statement(columns: tuple[str, ...], statuses: tuple[str, ...], *, has_after: bool, has_before: bool) -> Select[Any]:
    """One statement per set of filters, so that SQLAlchemy compiles each once."""
    table = SessionRow.__table__
    statement = select(*_COLUMNS, _is_registered).where(SessionRow.brand_id == bindparam("brand"))
    for name in columns:
        statement = statement.where(_FILTERED[name] == bindparam(name))
    for status in statuses:  # in the statement itself, so that the planner knows how many there are of it
        statement = statement.where(SessionRow.status == literal_column(f"'{status}'"))
    if has_after:
        position = tuple_(bindparam("after", type_=table.c.scheduled_at.type), bindparam("after_id", type_=table.c.id.type))
        statement = statement.where(tuple_(SessionRow.scheduled_at, SessionRow.id) > position)
    if has_before:
        statement = statement.where(SessionRow.scheduled_at < bindparam("before"))
    return statement.order_by(SessionRow.scheduled_at, SessionRow.id).limit(bindparam("rows", type_=Integer))


def _page_of(rows: Sequence[Row[Any]], *, limit: int, bound: bytes) -> Page:
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        next_cursor = seal(f"{last.scheduled_at.isoformat()} {last.id}".encode(), bound)
    body = orjson.dumps({"sessions": [_wire(row) for row in rows[:limit]], "next_cursor": next_cursor})
    return Page(body, next_cursor)


def _wire(row: Row[Any]) -> dict[str, Any]:
    (
        id_, host_id, brand_id, title, kind, category, scheduled, started, ended, status, stream_call_id, max_participants,
        duration_minutes, recording_url, metadata, created, updated, registered_count, is_registered,
    ) = row  # fmt: skip
    return {
        "id": str(id_),
        "host_id": host_id,
        "brand_id": brand_id,
        "title": title,
        "kind": kind,
        "category": category,
        "scheduled_at": wire_time(scheduled),
        "started_at": started and wire_time(started),
        "ended_at": ended and wire_time(ended),
        "status": status,
        "stream_call_id": stream_call_id,
        "max_participants": max_participants,
        "duration_minutes": duration_minutes,
        "recording_url": recording_url,
        "metadata": orjson.Fragment(metadata),
        "created_at": wire_time(created),
        "updated_at": wire_time(updated),
        "registered_count": registered_count,
        "is_registered": is_registered,
    }


def _bounds_of(month: str | None) -> tuple[datetime | None, datetime | None]:
    """The first instants of the month and of the one after it; after 9999-12 there is none."""
    if month is None:
        return None, None
    year, number = int(month[:4]), int(month[5:])
    if month == "9999-12":
        return datetime(year, number, 1, tzinfo=UTC), None
    after = datetime(year + 1, 1, 1, tzinfo=UTC) if number == DECEMBER else datetime(year, number + 1, 1, tzinfo=UTC)
    return datetime(year, number, 1, tzinfo=UTC), after


def _same(filters: SessionFilters, one: str, other: str) -> Any:
    first, second = getattr(filters, one), getattr(filters, other)
    if first is not None and second is not None and first != second:
        raise invalid(f"{one} and {other}: expected the same, or one of them.")
    return second if first is None else first

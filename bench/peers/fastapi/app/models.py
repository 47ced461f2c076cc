"""The tables, as ORM classes where a row is loaded and changed, as plain tables where rows are only written."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

INSTANT = DateTime(timezone=True)


class Base(DeclarativeBase):
    """What every mapped class shares."""

    metadata = MetaData()


class SessionRow(Base):
    """A session as its row says."""

    __tablename__ = "sessions"

    brand_id: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    host_id: Mapped[str] = mapped_column(Text)
    co_host_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    scheduled_at: Mapped[datetime] = mapped_column(INSTANT)
    started_at: Mapped[datetime | None] = mapped_column(INSTANT)
    ended_at: Mapped[datetime | None] = mapped_column(INSTANT)
    duration_minutes: Mapped[int | None] = mapped_column(Integer)
    max_participants: Mapped[int] = mapped_column(Integer)
    registered_count: Mapped[int] = mapped_column(Integer)
    waitlist_count: Mapped[int] = mapped_column(Integer)
    next_position: Mapped[int] = mapped_column(BigInteger)
    next_admission: Mapped[int] = mapped_column(BigInteger)
    stream_call_id: Mapped[str | None] = mapped_column(Text)
    recording_url: Mapped[str | None] = mapped_column(Text)
    document: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    version: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


registrations = Table(
    "registrations",
    Base.metadata,
    Column("brand_id", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("session_id", Uuid),
    Column("user_id", Text),
    Column("role", Text),
    Column("status", Text),
    Column("position", BigInteger),
    Column("capacity_at_admission", Integer),
    Column("admission", BigInteger),
    Column("registered_at", INSTANT),
    Column("registered_by", Text),
    Column("removed_at", INSTANT),
    Column("allowed_at", INSTANT),
)

audit_log = Table(
    "audit_log",
    Base.metadata,
    Column("brand_id", Text, primary_key=True),
    Column("entity", Text),
    Column("entity_id", Uuid, primary_key=True),
    Column("entity_version", Integer, primary_key=True),
    Column("action", Text),
    Column("changed", ARRAY(Text)),
    Column("actor_user_id", Text),
    Column("actor_client_id", Text),
    Column("request_id", Text),
    Column("occurred_at", INSTANT),
)

outbox = Table(
    "outbox",
    Base.metadata,
    Column("sequence", BigInteger),
    Column("id", Uuid),
    Column("name", Text),
    Column("brand_id", Text),
    Column("session_id", Uuid),
    Column("session_version", Integer),
    Column("occurred_at", INSTANT),
    Column("payload", JSONB),
)

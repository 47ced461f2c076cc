"""The wire of sessions. A description says what is expected: the document and the errors both read it."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.wire import Instant, PositiveInteger

Kind = Literal["live", "office_hours"]
Status = Literal["scheduled", "live", "ended", "cancelled"]

TITLE_CHARACTERS = 10_000
NAME_CHARACTERS = 200  # of a brand or a user

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_CHARACTERS,
        description=f"a string of 1 to {NAME_CHARACTERS} characters without NUL",
    ),
]
Title = Annotated[
    str, Meta(min_length=1, max_length=TITLE_CHARACTERS, description="a string of 1 to 10,000 characters without NUL")
]
Time = Annotated[Instant, Meta(description="an RFC 3339 date and time with an offset, in the years 1 to 9999 of UTC")]
Seats = Annotated[PositiveInteger, Meta(description="an integer from 1 to 2147483647")]
KindField = Annotated[Kind, Meta(description="live or office_hours")]
Metadata = Annotated[
    msgspec.Raw,
    Meta(
        description="an object of at most 16 KiB and 64 levels",
        extra_json_schema={"type": "object", "additionalProperties": {}},
    ),
]
WireTime = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class SessionCreate(Struct, frozen=True, kw_only=True):
    """A session to schedule."""

    host_id: Name
    brand_id: Name
    title: Title
    scheduled_at: Time
    max_participants: Seats
    kind: KindField = "live"
    metadata: Annotated[Metadata, Meta(extra_json_schema={"default": {}})] | UnsetType = UNSET


class SessionPatch(Struct, frozen=True, kw_only=True):
    """What to change. A field that is absent stays as it is."""

    title: Title | UnsetType = UNSET
    scheduled_at: Time | UnsetType = UNSET
    max_participants: Seats | UnsetType = UNSET
    kind: KindField | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class Session(Struct, frozen=True, kw_only=True):
    """A session as one caller sees it."""

    id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    host_id: str
    brand_id: str
    title: str
    kind: Kind
    category: str | None
    scheduled_at: WireTime
    started_at: WireTime | None
    ended_at: WireTime | None
    status: Status
    stream_call_id: str | None
    max_participants: int
    duration_minutes: int | None
    recording_url: str | None
    metadata: Metadata
    created_at: WireTime
    updated_at: WireTime
    registered_count: int
    is_registered: bool

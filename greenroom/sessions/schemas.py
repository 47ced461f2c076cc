"""The wire of sessions. A description says what is expected: the document and the errors both read it."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.wire import Instant, Month, PageLimit, PositiveInteger

Kind = Literal["live", "office_hours"]
Status = Literal["scheduled", "live", "ended", "cancelled"]

TITLE_CHARACTERS = 10_000
NAME_CHARACTERS = 200  # of a brand or a user
MOST_CO_HOSTS = 100

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
StatusField = Annotated[Status, Meta(description="scheduled, live, ended or cancelled")]
Flag = Annotated[Literal["true", "false", "1", "0"], Meta(description="true, false, 1 or 0")]
MonthField = Annotated[Month, Meta(description="a month of UTC as YYYY-MM")]
Cursor = Annotated[str, Meta(description="the cursor of an answer to the same filters")]
Limit = Annotated[PageLimit, Meta(description="an integer from 1 on")]


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


class Session(Struct, frozen=True, gc=False):
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


class CoHosts(Struct, frozen=True, kw_only=True):
    """Who does what the session's host does."""

    session_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    co_host_ids: list[str]


def said(text: str) -> Any:
    """What the document says of a filter; the error says what is expected of its value."""
    return Meta(extra_json_schema={"description": text})


class SessionFilters(Struct, frozen=True, kw_only=True):
    """Which sessions to list. A filter that is absent lets all pass; those that are sent must all hold."""

    brand_id: Annotated[Name, said("The token's own brand, or for admin:* one of all.")] | UnsetType = UNSET
    host_user_id: Annotated[Name, said("Of this host.")] | UnsetType = UNSET
    host_id: Annotated[Name, said("Another name of host_user_id; when both are sent they must be the same.")] | UnsetType = (
        UNSET
    )
    community_id: Annotated[Name, said("Of this community: the session's community_slug.")] | UnsetType = UNSET
    status: Annotated[StatusField, said("Of this status.")] | UnsetType = UNSET
    upcoming_only: (
        Annotated[Flag, said("true or 1: scheduled, and its time is not past. false or 0: no filter.")] | UnsetType
    ) = UNSET
    upcoming: Annotated[Flag, said("Another name of upcoming_only; when both are sent they must say the same.")] | UnsetType = (
        UNSET
    )
    month: Annotated[MonthField, said("Whose scheduled_at is in this month of UTC: YYYY-MM.")] | UnsetType = UNSET
    kind: Annotated[KindField, said("Of this kind.")] | UnsetType = UNSET
    category: Annotated[Name, said("Of this category.")] | UnsetType = UNSET
    cursor: (
        Annotated[Cursor, said("The next_cursor of the page before; the filters must be those of that page.")] | UnsetType
    ) = UNSET
    limit: (
        Annotated[Limit, said("How many sessions a page may have: 20 when absent, 100 when larger than that.")] | UnsetType
    ) = UNSET


class SessionList(Struct, frozen=True, kw_only=True):
    """A page of sessions; `next_cursor` begins the next one, and is null on the last."""

    sessions: list[Session]
    next_cursor: str | None

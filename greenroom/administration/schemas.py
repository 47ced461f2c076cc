"""The wire of the administration. Source: contract, /v1/admin."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.wire import WebAddress
from greenroom.sessions.schemas import (
    MOST_CO_HOSTS,
    Cursor,
    Kind,
    KindField,
    Limit,
    Metadata,
    Name,
    Seats,
    Status,
    StatusField,
    Time,
    Title,
    WireTime,
    said,
)

DESCRIPTION_CHARACTERS = 10_000
MOST_TAGS = 50

Description = Annotated[
    str, Meta(max_length=DESCRIPTION_CHARACTERS, description="a string of at most 10,000 characters without NUL")
]
Category = Annotated[str, Meta(max_length=200, description="a string of at most 200 characters without NUL")]
CoHosts = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=200)]],
    Meta(max_length=MOST_CO_HOSTS, description=f"at most {MOST_CO_HOSTS} user ids of 1 to 200 characters without NUL"),
]
Tags = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=100)]],
    Meta(max_length=MOST_TAGS, description=f"at most {MOST_TAGS} strings of 1 to 100 characters without NUL"),
]
Slug = Annotated[str, Meta(min_length=1, max_length=200, description="a string of 1 to 200 characters without NUL, or null")]
CoverImage = Annotated[WebAddress, Meta(description="an http or https URL of at most 2,000 characters, or null")]
AdminStatus = Annotated[Literal["scheduled", "cancelled"], Meta(description="scheduled or cancelled")]


class AdminSession(Struct, frozen=True, kw_only=True):
    """A session as administrators see it."""

    id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    host_id: str
    brand_id: str
    title: str
    description: str | None
    kind: Kind
    category: str | None
    scheduled_at: WireTime
    started_at: WireTime | None
    ended_at: WireTime | None
    status: Status
    stream_call_id: str | None
    max_participants: int
    duration_minutes: int | None
    co_host_ids: list[str]
    cover_image_url: str | None
    tags: list[str]
    recording_url: str | None
    metadata: Metadata
    registered_count: int
    created_at: WireTime
    updated_at: WireTime


class AdminSessionPatch(Struct, frozen=True, kw_only=True):
    """What to change. A field that is absent stays as it is; null clears what may be null."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    community_slug: Slug | UnsetType | None = UNSET
    scheduled_at: Time | UnsetType = UNSET
    max_participants: Seats | UnsetType = UNSET
    duration_minutes: Seats | UnsetType = UNSET
    co_host_ids: CoHosts | UnsetType = UNSET
    cover_image_url: CoverImage | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    kind: KindField | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    status: AdminStatus | UnsetType = UNSET


class AdminFilters(Struct, frozen=True, kw_only=True):
    """Which sessions to list. A filter that is absent lets all pass; those that are sent must all hold."""

    brand_id: Annotated[Name, said("The token's own brand, or for admin:* one of all.")] | UnsetType = UNSET
    status: Annotated[StatusField, said("Of this status.")] | UnsetType = UNSET
    kind: Annotated[KindField, said("Of this kind.")] | UnsetType = UNSET
    limit: (
        Annotated[Limit, said("How many sessions a page may have: 20 when absent, 100 when larger than that.")] | UnsetType
    ) = UNSET
    cursor: Annotated[Cursor, said("From the Link of the page before; the filters must be those of that page.")] | UnsetType = (
        UNSET
    )


class AdminSessionList(Struct, frozen=True, kw_only=True):
    """A page of sessions; the next one is named by the Link header."""

    sessions: list[AdminSession]

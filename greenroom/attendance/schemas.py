"""The wire of attendance, of recordings, and of those who are put out."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.registrations.schemas import RegistrationStatus, Role
from greenroom.sessions.schemas import Cursor, Limit, Status, WireTime, said

Outcome = Literal["attended", "left_early", "no_show", "removed", "cancelled_in_time", "host_late", "host_no_show"]
RecordingState = Literal["expected", "processing", "ready", "failed", "missing", "expired"]

Tenths = Annotated[float, Meta(ge=0, description="Minutes, with one decimal.")]
IsEstimated = Annotated[
    bool, Meta(description="Whether a time is concluded from what the provider showed later, because it told nothing of it.")
]
OutcomeField = Annotated[
    Outcome | None,
    Meta(
        description="""What became of the person.
`attended`: was there, and left no more than 5 minutes before the end.
`left_early`: was there, and left for good more than 5 minutes before the end.
`no_show`: had a seat when the session began, and never came.
`removed`: was removed by a host, and not allowed again.
`cancelled_in_time`: gave up the seat before the session began.
`host_late`: the host, who first came after host_grace_minutes had passed.
`host_no_show`: the host, who never came.
Null while it cannot be told: before the end, of a session that was called off, and where there was no call to be in.
The end is when the session ended, or before that when the last person left."""
    ),
]


class Attendee(Struct, frozen=True, kw_only=True):
    """A person who was there, or had a seat, or hosts. Two devices at once are one person."""

    user_id: str
    role: Role
    registration_status: Annotated[RegistrationStatus | None, Meta(description="Null for who never registered.")]
    first_joined_at: Annotated[
        WireTime | None,
        Meta(description="The first time in the call between the doors' opening and the end; before that is a sound check."),
    ]
    last_left_at: Annotated[WireTime | None, Meta(description="Null for who never came, and for who is inside.")]
    minutes: Tenths
    is_inside: bool
    is_estimated: IsEstimated
    outcome: OutcomeField


class AttendanceTotals(Struct, frozen=True, kw_only=True):
    """How many there were, on all pages."""

    people: Annotated[int, Meta(description="Who came.")]
    peak: Annotated[int, Meta(description="The most at once.")]
    minutes: Annotated[float, Meta(ge=0, description="Of all together, with one decimal.")]
    attended: Annotated[int, Meta(description="With the host, also one who was late.")]
    left_early: int
    no_show: Annotated[int, Meta(description="With the host who never came.")]
    removed: int
    cancelled_in_time: int
    is_estimated: IsEstimated


class AttendanceList(Struct, frozen=True, kw_only=True):
    """A page of a session's attendance; `next_cursor` begins the next one, and is null on the last."""

    attendance: list[Attendee]
    totals: AttendanceTotals
    status: Annotated[Status, Meta(description="The session's.")]
    next_cursor: str | None


class AttendancePage(Struct, frozen=True, kw_only=True):
    """Which page of a session's attendance."""

    cursor: Annotated[Cursor, said("The next_cursor of the page before.")] | UnsetType = UNSET
    limit: Annotated[Limit, said("How many people a page may have: 20 when absent, 100 when larger than that.")] | UnsetType = (
        UNSET
    )


class Recording(Struct, frozen=True, kw_only=True):
    """A recording of a session, or word of one that has not turned up."""

    id: Annotated[str | None, Meta(description="The provider's. Null for one of which nothing was heard yet.")]
    state: Annotated[
        RecordingState,
        Meta(
            description="""How it stands with it.
`expected`: the session is or was recorded, and nothing was heard yet.
`processing`: the provider is at work on it.
`ready`: it can be watched.
`failed`: the provider could not make it.
`missing`: it was expected, and an hour after the end had not turned up. It may yet.
`expired`: it was ready, and is no longer kept."""
        ),
    ]
    url: Annotated[str | None, Meta(description="Null unless ready.")]
    started_at: WireTime | None
    ended_at: WireTime | None
    ready_at: WireTime | None


class RecordingList(Struct, frozen=True, kw_only=True):
    """A session's recordings: those that are ready first, in the order in which they ended."""

    recordings: list[Recording]

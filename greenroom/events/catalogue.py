"""Every event that Greenroom tells, with its payload's schema. The functions that cause them write the rows."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

SessionIdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
EventTime = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Version = Annotated[int, Meta(ge=1, description="The session's version after the change; it rises by one with each.")]
VersionNow = Annotated[int, Meta(ge=1, description="The session's version; it was not changed.")]
RegistrationIdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
RegistrationVersion = Annotated[
    int, Meta(ge=1, description="The registration's version after the change; it rises by one with each.")
]
RoleField = Literal["host", "participant", "guest"]
Place = Annotated[int, Meta(ge=1, description="The order in which people came, from 1 on.")]
EditedField = Literal[
    "title",
    "description",
    "community_slug",
    "scheduled_at",
    "max_participants",
    "duration_minutes",
    "co_host_ids",
    "cover_image_url",
    "tags",
    "kind",
    "category",
    "metadata",
    "settings",
]


class SessionCreated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session was scheduled."""

    session_id: SessionIdField
    version: Version
    host_id: str
    kind: Literal["live", "office_hours"]
    scheduled_at: EventTime
    max_participants: int


class SessionUpdated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of a session were changed; `changed` names them."""

    session_id: SessionIdField
    version: Version
    changed: list[EditedField]


class SessionRescheduled(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session was moved; told beside `live.session.updated.v1`."""

    session_id: SessionIdField
    version: Version
    old_scheduled_at: EventTime
    new_scheduled_at: EventTime


class SessionStarted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session went live."""

    session_id: SessionIdField
    version: Version
    started_at: EventTime


class SessionEnded(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session ended. `reason` is there when nobody asked for it: it overran."""

    session_id: SessionIdField
    version: Version
    ended_at: EventTime
    reason: Literal["overrun"] | UnsetType = UNSET


class SessionCancelled(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session was called off. The counts say how many people it concerns; 0.1.0 did not tell them."""

    session_id: SessionIdField
    version: Version
    reason: Annotated[
        Literal["requested", "not_started"], Meta(description="Somebody asked for it; or nobody started the session in time.")
    ]
    registered_count: int | UnsetType = UNSET
    waitlist_count: int | UnsetType = UNSET


class SessionReinstated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session that was called off will be held after all."""

    session_id: SessionIdField
    version: Version
    scheduled_at: EventTime


class SessionDoorsOpened(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Participants may join from now on."""

    session_id: SessionIdField
    version: VersionNow
    scheduled_at: EventTime


class SessionHostLate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session should have begun, and no host has started it."""

    session_id: SessionIdField
    version: VersionNow
    host_id: str
    scheduled_at: EventTime


class RegistrationEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every event of a registration says."""

    session_id: SessionIdField
    registration_id: RegistrationIdField
    version: RegistrationVersion
    user_id: Annotated[str, Meta(description="A guest's is `guest:` and the registration's id; the address is never told.")]


class RegistrationCreated(RegistrationEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody took a seat."""

    role: RoleField
    position: Place
    registered_at: EventTime


class RegistrationWaitlisted(RegistrationEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody took a place in line, since all seats were taken."""

    role: RoleField
    position: Place
    registered_at: EventTime


class RegistrationPromoted(RegistrationEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody moved from the line into a seat."""

    promoted_at: EventTime


class RegistrationCancelled(RegistrationEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody gave up a seat or a place in line."""

    was: Literal["registered", "waitlist"]
    cancelled_at: EventTime


class RegistrationRemoved(RegistrationEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host removed somebody, who may not register again until allowed."""

    was: Literal["registered", "waitlist", "cancelled"]
    removed_at: EventTime


class RegistrationAllowed(RegistrationEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host let somebody register again who had been removed."""

    allowed_at: EventTime


class RegistrationReminderDue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who has a seat is to be reminded. Once for each registration, reminder and session_version."""

    session_id: SessionIdField
    registration_id: RegistrationIdField
    user_id: Annotated[str, Meta(description="A guest's is `guest:` and the registration's id; the address is never told.")]
    reminder: Annotated[Literal["first", "last"], Meta(description="Whose time is first_ or last_reminder_minutes before.")]
    scheduled_at: EventTime
    session_version: Annotated[int, Meta(ge=1, description="The session's version that set the time.")]


class BrandUpdated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A brand's settings were changed; `changed` names them as `settings.<name>`."""

    version: Annotated[int, Meta(ge=1, description="Of the brand's settings; it rises by one with each change.")]
    changed: list[str]


class Event(Struct, frozen=True, kw_only=True):
    """A name, and what its payload says."""

    name: str
    payload: type[Struct]

    @property
    def description(self) -> str:
        """What happened."""
        return self.payload.__doc__ or self.name


EVENTS = (
    Event(name="live.session.created.v1", payload=SessionCreated),
    Event(name="live.session.updated.v1", payload=SessionUpdated),
    Event(name="live.session.rescheduled.v1", payload=SessionRescheduled),
    Event(name="live.session.started.v1", payload=SessionStarted),
    Event(name="live.session.ended.v1", payload=SessionEnded),
    Event(name="live.session.cancelled.v1", payload=SessionCancelled),
    Event(name="live.session.reinstated.v1", payload=SessionReinstated),
    Event(name="live.session.doors_opened.v1", payload=SessionDoorsOpened),
    Event(name="live.session.host_late.v1", payload=SessionHostLate),
    Event(name="live.registration.created.v1", payload=RegistrationCreated),
    Event(name="live.registration.waitlisted.v1", payload=RegistrationWaitlisted),
    Event(name="live.registration.promoted.v1", payload=RegistrationPromoted),
    Event(name="live.registration.cancelled.v1", payload=RegistrationCancelled),
    Event(name="live.registration.removed.v1", payload=RegistrationRemoved),
    Event(name="live.registration.allowed.v1", payload=RegistrationAllowed),
    Event(name="live.registration.reminder_due.v1", payload=RegistrationReminderDue),
    Event(name="live.brand.updated.v1", payload=BrandUpdated),
)

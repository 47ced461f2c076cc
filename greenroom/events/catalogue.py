"""Every event that Greenroom tells, with its payload's schema. The functions that cause them write the rows."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

SessionIdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
EventTime = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Version = Annotated[int, Meta(ge=1, description="The session's version after the change; it rises by one with each.")]
VersionNow = Annotated[int, Meta(ge=1, description="The session's version; it was not changed.")]
CallIdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Count = Annotated[int, Meta(ge=0)]
RegistrationIdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
RegistrationVersion = Annotated[
    int, Meta(ge=1, description="The registration's version after the change; it rises by one with each.")
]
QuestionIdField = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
QuestionVersion = Annotated[int, Meta(ge=1, description="The question's version after the change; votes are no change of it.")]
RoleField = Literal["host", "participant", "guest"]
Place = Annotated[int, Meta(ge=1, description="The order in which people came, from 1 on.")]
TemplateKey = Literal[
    "registered", "waitlisted", "promoted", "moved", "cancelled", "reinstated", "left", "removed", "reminder", "recording_ready"
]
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
    """A session went live. `reason` is there when nobody asked for it: its host was in the call."""

    session_id: SessionIdField
    version: Version
    started_at: EventTime
    reason: Literal["host_joined"] | UnsetType = UNSET


class SessionEnded(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session ended. `reason` is there when nobody asked for it: it overran, or its call had been empty for a while."""

    session_id: SessionIdField
    version: Version
    ended_at: EventTime
    reason: Literal["overrun", "empty"] | UnsetType = UNSET


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


class AttendanceSummary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who was there, in numbers, once a session is over and all is known, or is not worth waiting for."""

    session_id: SessionIdField
    call_id: CallIdField
    ended_at: EventTime
    people: Annotated[int, Meta(ge=0, description="Who came.")]
    peak: Annotated[int, Meta(ge=0, description="The most at once.")]
    minutes: Annotated[float, Meta(ge=0, description="Of all together, with one decimal.")]
    attended: Count
    left_early: Count
    no_show: Count
    removed: Count
    cancelled_in_time: Count
    is_estimated: Annotated[bool, Meta(description="Whether a time is concluded from what the provider showed later.")]


class RecordingReady(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recording can be watched. A call that belongs to no session has no `session_id`."""

    session_id: SessionIdField | None
    call_id: CallIdField
    recording_id: str
    recording_url: str
    ready_at: EventTime


class RecordingFailed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recording could not be made, or has not turned up an hour after the end; it may yet, and then it is told as ready."""

    session_id: SessionIdField | None
    call_id: CallIdField
    recording_id: Annotated[str | None, Meta(description="Null for one that is missing.")]
    reason: Annotated[Literal["provider", "missing"], Meta(description="The provider failed; or nothing was heard of it.")]


class StreamEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider told something of a call, as it named it; without a person's data. Each of its events is told once."""

    event_type: str
    session_id: SessionIdField | None
    brand_id: str
    stream_call_id: CallIdField
    occurred_at: EventTime
    payload: dict[str, Any]


class QuestionEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every event of a question says; none holds what was asked."""

    session_id: SessionIdField
    question_id: QuestionIdField
    version: QuestionVersion


class QuestionAsked(QuestionEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody asked a question: pending where the session is moderated, else approved at once."""

    asker_user_id: str
    status: Literal["pending", "approved"]
    asked_at: EventTime


class QuestionApproved(QuestionEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A moderator let a question through."""

    asker_user_id: str
    was: Literal["pending"]
    moderated_at: EventTime


class QuestionAnswered(QuestionEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A moderator called a question answered."""

    asker_user_id: str
    was: Literal["approved"]
    moderated_at: EventTime


class QuestionDismissed(QuestionEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A moderator dismissed a question; or, without a `moderated_at`, who asked took it back."""

    asker_user_id: str
    was: Literal["pending", "approved"]
    moderated_at: EventTime | UnsetType = UNSET


class QuestionPinned(QuestionEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question was pinned; another that was pinned is told as unpinned."""


class QuestionUnpinned(QuestionEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question is pinned no longer. `version` is that of the change which caused it."""


class QuestionVotesChanged(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Votes were given or taken back: how many each of these questions has now. Many votes make one event."""

    session_id: SessionIdField
    vote_counts: Annotated[dict[str, Count], Meta(description="By the question's id.")]


class Recipient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to reach. Without an address, whoever sends knows where."""

    user_id: Annotated[str, Meta(description="A guest's is `guest:` and the registration's id.")]
    email: str | None


class MessageVariables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message is about. What there is not is null."""

    session_id: SessionIdField
    registration_id: RegistrationIdField
    session_version: int
    title: str
    scheduled_at: EventTime
    old_scheduled_at: Annotated[EventTime | None, Meta(description="The time that the person was told before.")]
    time_zone: Annotated[str | None, Meta(description="The person's, where it is known.")]
    is_waiting: Annotated[bool, Meta(description="Whether the person waits in line, rather than having a seat.")]
    join_url: str | None
    recording_url: str | None
    unsubscribe_url: str | None


class MessageSendRequested(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody is to be told something, and no mail server is set up: whoever hears this sends it. Once for each message_id."""

    message_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    channel: Literal["email"]
    template_key: TemplateKey
    recipient: Recipient
    brand_id: str
    variables: MessageVariables
    requested_by: Literal["greenroom"]
    requested_at: EventTime


class MessageBounced(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mail server takes nothing for somebody's address, which is sent nothing more. The address is not told."""

    message_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    channel: Literal["email"]
    template_key: TemplateKey
    session_id: SessionIdField
    registration_id: RegistrationIdField
    user_id: Annotated[str, Meta(description="A guest's is `guest:` and the registration's id.")]
    reason: Annotated[str, Meta(description="The command that was refused, and the answer's code.")]
    bounced_at: EventTime


class BrandUpdated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A brand's settings were changed; `changed` names them as `settings.<name>`."""

    version: Annotated[int, Meta(ge=1, description="Of the brand's settings; it rises by one with each change.")]
    changed: list[str]


class WebhookEndpointDisabled(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint of webhooks was disabled: it had failed for five days, or said that it is gone (410)."""

    endpoint_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    version: Annotated[int, Meta(ge=1, description="The endpoint's version after the change.")]
    reason: Literal["failing", "gone"]
    failing_since: EventTime
    disabled_at: EventTime


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
    Event(name="live.attendance.summary.v1", payload=AttendanceSummary),
    Event(name="live.recording.ready.v1", payload=RecordingReady),
    Event(name="live.recording.failed.v1", payload=RecordingFailed),
    Event(name="live.stream.event.v1", payload=StreamEvent),
    Event(name="live.question.asked.v1", payload=QuestionAsked),
    Event(name="live.question.approved.v1", payload=QuestionApproved),
    Event(name="live.question.answered.v1", payload=QuestionAnswered),
    Event(name="live.question.dismissed.v1", payload=QuestionDismissed),
    Event(name="live.question.pinned.v1", payload=QuestionPinned),
    Event(name="live.question.unpinned.v1", payload=QuestionUnpinned),
    Event(name="live.question.votes_changed.v1", payload=QuestionVotesChanged),
    Event(name="live.brand.updated.v1", payload=BrandUpdated),
    Event(name="comms.message.send_requested.v1", payload=MessageSendRequested),
    Event(name="comms.message.bounced.v1", payload=MessageBounced),
    Event(name="live.webhook_endpoint.disabled.v1", payload=WebhookEndpointDisabled),
)

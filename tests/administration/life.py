"""A session and its brand as a model: what every request must answer, and what it must leave behind.

Written from DESIGN section 4, not from the code; it knows no database and no clock.
"""

from typing import Any

from msgspec import Struct, field

from tests.administration.admins import Audited, Status
from tests.tenant import Json

HOST = "host_1"
MANAGERS = frozenset({"manager", "admin"})
CALLED_OFF = {"reason": "requested", "registered_count": 0, "waitlist_count": 0}
OVER = frozenset({"ended", "cancelled"})
FIXED_WHILE_LIVE = frozenset({"scheduled_at", "kind"})
HOSTS_FIELDS = frozenset({"title", "scheduled_at", "max_participants", "kind", "metadata"})
STEPS: dict[str, tuple[Status, Status, str]] = {
    "start": ("scheduled", "live", "started"),
    "end": ("live", "ended", "ended"),
    "cancel": ("scheduled", "cancelled", "cancelled"),
}
ADMINS_MOVES = {("scheduled", "cancelled"): "cancelled", ("cancelled", "scheduled"): "reinstated"}


class Expected(Struct, frozen=True):
    """What an event must say; None is a value that only the clock knows."""

    name: str
    payload: dict[str, Any]


class Life(Struct):
    """One session, as its people have made it so far."""

    id: str
    fields: Json
    status: Status = "scheduled"
    version: int = 1
    settings: Json = field(default_factory=dict)
    audit: list[Audited] = field(default_factory=lambda: [Audited(1, "session.created", [])])
    events: list[Expected] = field(default_factory=list)

    def patch(self, user: str, body: Json, *, expected: int | None) -> int:
        """PATCH /v1/sessions/{id}: the status of the answer. A field that hosts do not have is ignored."""
        if not self._may_edit(user):
            return 403
        if expected not in {None, self.version} or self.status in OVER:
            return 412
        changed = self._changed({name: value for name, value in body.items() if name in HOSTS_FIELDS})
        if self.status == "live" and FIXED_WHILE_LIVE & set(changed):
            return 412
        self._edit(changed, body)
        return 200

    def administer(self, body: Json, *, expected: int | None) -> int:
        """PATCH /v1/admin/sessions/{id}: judged by the status that results."""
        changed = self._changed({name: value for name, value in body.items() if name != "status"})
        status: Status = body.get("status", self.status)
        if expected not in {None, self.version} or (self.status in OVER and "status" not in body):
            return 412
        if status != self.status and (self.status, status) not in ADMINS_MOVES:
            return 412
        if (status in OVER and changed) or (status == "live" and FIXED_WHILE_LIVE & set(changed)):
            return 412
        if status == self.status:
            self._edit(changed, body)
            return 200
        action = ADMINS_MOVES[self.status, status]
        self.status = status
        self._next(f"session.{action}", [*changed, "status"])
        time = body.get("scheduled_at", self.fields["scheduled_at"])
        self._tell(action, CALLED_OFF if action == "cancelled" else {"scheduled_at": time})
        self._apply(changed, body)
        return 200

    def step(self, user: str, verb: str) -> int:
        """POST start, end or cancel."""
        before, after, action = STEPS[verb]
        if not self._may_edit(user):
            return 403
        if self.status == before:
            self.status = after
            self._next(f"session.{action}", ["status"])
            self._tell(action, {"cancelled": CALLED_OFF}.get(action, {f"{action}_at": None}))
            return 200
        return 200 if self.status == after else 412

    def co_host(self, user: str, other: str, *, is_co_host: bool) -> int:
        """PUT or DELETE a co-host."""
        if user != HOST and user not in MANAGERS:
            return 403
        if self.status in OVER:
            return 412
        if is_co_host and other == HOST:
            return 400
        names: list[str] = self.fields["co_host_ids"]
        if is_co_host != (other in names):
            wanted = [*names, other] if is_co_host else [name for name in names if name != other]
            self._edit(["co_host_ids"], {"co_host_ids": wanted})
        return 200

    def say(self, user: str, body: Json) -> int:
        """PATCH the session's settings."""
        changed = named_in(self.settings, body)
        if not self._may_edit(user):
            return 403
        if self.status in OVER or (self.status == "live" and "settings.video_provider" in changed):
            return 412
        if changed:
            self.settings = said(self.settings, body)
            self._next("session.updated", changed)
            self._tell("updated", {"changed": ["settings"]})
        return 200

    def _may_edit(self, user: str) -> bool:
        return user == HOST or user in MANAGERS or user in self.fields["co_host_ids"]

    def _changed(self, body: Json) -> list[str]:
        return [name for name, value in body.items() if self.fields[name] != value]

    def _edit(self, changed: list[str], body: Json) -> None:
        if changed:
            self._next("session.updated", changed)
            self._apply(changed, body)

    def _apply(self, changed: list[str], body: Json) -> None:
        if changed:
            self._tell("updated", {"changed": changed})
        if "scheduled_at" in changed:
            times = {"old_scheduled_at": self.fields["scheduled_at"], "new_scheduled_at": body["scheduled_at"]}
            self._tell("rescheduled", times)
        self.fields = {**self.fields, **{name: body[name] for name in changed}}

    def _next(self, action: str, changed: list[str]) -> None:
        self.version += 1
        self.audit.append(Audited(self.version, action, sorted(changed)))

    def _tell(self, action: str, payload: Json) -> None:
        of_it = {"session_id": self.id, "version": self.version}
        self.events.append(Expected(f"live.session.{action}.v1", {**of_it, **payload}))


class Brand(Struct):
    """What a brand says of its sessions' settings."""

    settings: Json = field(default_factory=dict)
    changes: list[list[str]] = field(default_factory=list)

    def say(self, body: Json) -> int:
        """PATCH the brand's settings."""
        if changed := named_in(self.settings, body):
            self.settings = said(self.settings, body)
            self.changes.append(changed)
        return 200


def named_in(settings: Json, body: Json) -> list[str]:
    """What a change of settings changes, as the audit names it."""
    return sorted(f"settings.{name}" for name, value in body.items() if settings.get(name) != value)


def said(settings: Json, body: Json) -> Json:
    """What is said afterwards: null takes a word back."""
    return {name: value for name, value in {**settings, **body}.items() if value is not None}

"""Calls, who is inside, and what is recorded: the same for both providers, which tell it in words of their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

Happening = Literal[
    "sitting_started",
    "sitting_ended",
    "joined",
    "left",
    "recording_started",
    "recording_stopped",
    "recording_ready",
    "recording_failed",
    "ended",
]


class NotThereError(Exception):
    """There is no such call, connection or recording."""


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


@dataclass
class Stay:
    """Somebody's connection. `name` is what must reach nobody's database."""

    id: str
    user: str
    name: str
    kind: str
    joined_at: datetime
    left_at: datetime | None = None


@dataclass
class Sitting:
    """From the first who came until it is ended."""

    id: str
    started_at: datetime
    ended_at: datetime | None = None
    stays: list[Stay] = field(default_factory=list)

    @property
    def inside(self) -> list[Stay]:
        """Who is there now."""
        return [stay for stay in self.stays if stay.left_at is None]


@dataclass
class Tape:
    """A recording."""

    id: str
    sitting: Sitting
    started_at: datetime
    ended_at: datetime | None = None
    state: Literal["running", "stopped", "ready", "failed"] = "running"


@dataclass
class Call:
    """A call, as it was asked for: `asked` is the provider's own wire of it."""

    type: str
    id: str
    records: bool
    asked: dict[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    ended_at: datetime | None = None
    sittings: list[Sitting] = field(default_factory=list)
    tapes: list[Tape] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)

    @property
    def sitting(self) -> Sitting | None:
        """The latest."""
        return self.sittings[-1] if self.sittings else None

    @property
    def open_sitting(self) -> Sitting | None:
        """The latest, while it lasts."""
        return self.sitting if self.sitting is not None and self.sitting.ended_at is None else None

    def described(self) -> dict[str, Any]:
        """For whoever drives."""
        return {
            "id": self.id,
            "type": self.type,
            "records": self.records,
            "asked": self.asked,
            "ended": self.ended_at is not None,
            "spans": [{"id": one.id, "ended": one.ended_at is not None} for one in self.sittings],
            "inside": [{"connection": stay.id, "user": stay.user} for one in self.sittings for stay in one.inside],
            "recordings": [{"id": tape.id, "state": tape.state, "span": tape.sitting.id} for tape in self.tapes],
        }


class World:
    """One provider's calls. `tell` hears of everything that happens."""

    def __init__(self, tell: Callable[[Happening, Call, Any], None], *, prefixes: tuple[str, str, str]) -> None:
        self.calls: dict[str, Call] = {}
        self.ends_when_empty = False
        self._tell = tell
        self._sittings, self._stays, self._tapes = prefixes

    def call(self, id: str) -> Call:
        """Raises NotThereError."""
        if id not in self.calls:
            raise NotThereError(f"no call {id}")
        return self.calls[id]

    def sit(self, call: Call) -> Sitting:
        """The sitting that lasts, begun now if there is none."""
        sitting = call.open_sitting
        if sitting is None:
            sitting = Sitting(f"{self._sittings}{uuid4().hex}", now())
            call.sittings.append(sitting)
            self._tell("sitting_started", call, sitting)
            if call.records:
                self.record(call)
        return sitting

    def join(self, call: Call, user: str, *, name: str, kind: str) -> Stay:
        """Somebody comes in, by another device than all before."""
        sitting = self.sit(call)
        stay = Stay(f"{self._stays}{uuid4().hex}", user, name, kind, now())
        sitting.stays.append(stay)
        self._tell("joined", call, stay)
        return stay

    def leave(self, connection: str) -> None:
        """Somebody goes. Raises NotThereError."""
        for call in self.calls.values():
            for sitting in call.sittings:
                for stay in sitting.inside:
                    if stay.id == connection:
                        self._leave(call, stay)
                        if self.ends_when_empty and not sitting.inside:
                            self.end_sitting(call)
                        return
        raise NotThereError(f"no connection {connection}")

    def put_out(self, call: Call, user: str) -> int:
        """Everybody of this name goes; how many that were."""
        stays = [stay for stay in (call.open_sitting.inside if call.open_sitting else []) if stay.user == user]
        for stay in stays:
            self._leave(call, stay)
        return len(stays)

    def end_sitting(self, call: Call) -> None:
        """Everybody goes, and what is recorded stops."""
        sitting = call.open_sitting
        if sitting is None:
            return
        for stay in sitting.inside:
            self._leave(call, stay)
        sitting.ended_at = now()
        for tape in call.tapes:
            if tape.state == "running":
                tape.state, tape.ended_at = "stopped", now()
                self._tell("recording_stopped", call, tape)
        self._tell("sitting_ended", call, sitting)

    def end(self, call: Call) -> None:
        """The call is over for good."""
        if call.ended_at is None:
            call.ended_at = now()
            self.end_sitting(call)
            self._tell("ended", call, call.sitting)

    def record(self, call: Call) -> Tape:
        """A recording begins."""
        tape = Tape(f"{self._tapes}{uuid4().hex}", self.sit(call), now())
        call.tapes.append(tape)
        self._tell("recording_started", call, tape)
        return tape

    def finish(self, recording: str, *, well: bool) -> None:
        """A recording can be had, or never will. Raises NotThereError."""
        call, tape = self._tape(recording)
        tape.ended_at = tape.ended_at or now()
        tape.state = "ready" if well else "failed"
        self._tell("recording_ready" if well else "recording_failed", call, tape)

    def _tape(self, recording: str) -> tuple[Call, Tape]:
        for call in self.calls.values():
            for tape in call.tapes:
                if tape.id == recording:
                    return call, tape
        raise NotThereError(f"no recording {recording}")

    def _leave(self, call: Call, stay: Stay) -> None:
        stay.left_at = now()
        self._tell("left", call, stay)

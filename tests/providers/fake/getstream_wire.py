"""GetStream's JSON: what its models have, for answers (times in nanoseconds) and for webhooks (RFC 3339)."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.providers.fake.world import Call, Happening, Sitting, Stay, Tape, now

EVENTS: dict[Happening, str] = {
    "sitting_started": "call.session_started",
    "sitting_ended": "call.session_ended",
    "joined": "call.session_participant_joined",
    "left": "call.session_participant_left",
    "recording_started": "call.recording_started",
    "recording_stopped": "call.recording_stopped",
    "recording_ready": "call.recording_ready",
    "recording_failed": "call.recording_failed",
    "ended": "call.ended",
}
BORN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JsonObject = dict[str, Any]
OTHERWISE: JsonObject = json.loads(Path(__file__).with_name("call_settings.json").read_text())  # what nobody asked for


def in_nanoseconds(value: Any) -> Any:
    """As answers have their times."""
    return _with_times(value, lambda moment: int(moment.timestamp()) * 10**9 + moment.microsecond * 1000)


def in_text(value: Any) -> Any:
    """As webhooks have their times."""
    return _with_times(value, lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z")


def user(id: str, name: str = "", role: str = "user") -> JsonObject:
    """A user, with what is personal."""
    return {
        "id": id,
        "name": name,
        "image": f"https://pictures.example/{hashlib.sha256(name.encode()).hexdigest()[:8]}.jpg" if name else "",
        "role": role,
        "language": "de",
        "teams": [],
        "custom": {"email": f"{name.lower().replace(' ', '.')}@example.com"} if name else {},
        "blocked_user_ids": [],
        "banned": False,
        "shadow_banned": False,
        "invisible": False,
        "online": True,
        "created_at": BORN,
        "updated_at": BORN,
        "last_active": now(),
    }


def participant(stay: Stay) -> JsonObject:
    """Somebody inside."""
    return {
        "joined_at": stay.joined_at,
        "role": "user",
        "user_session_id": stay.id,
        "user": user(stay.user, stay.name),
    }


def recording(tape: Tape) -> JsonObject:
    """A recording that can be had."""
    filename = f"rec_{tape.sitting.id}_{int(tape.started_at.timestamp())}_{tape.id[-6:]}.mp4"
    return {
        "filename": filename,
        "url": f"https://recordings.example/{filename}?signature={tape.id}",
        "session_id": tape.sitting.id,
        "recording_type": "composite",
        "start_time": tape.started_at,
        "end_time": tape.ended_at or now(),
    }


def session(sitting: Sitting, *, at_most: int) -> JsonObject:
    """A session, which tells only so many of who is inside."""
    return {
        "id": sitting.id,
        "started_at": sitting.started_at,
        "ended_at": sitting.ended_at,
        "participants": [participant(stay) for stay in sitting.inside[:at_most]],
        "participants_count_by_role": {"user": len(sitting.inside)} if sitting.inside else {},
        "anonymous_participant_count": 0,
        "accepted_by": {},
        "rejected_by": {},
        "missed_by": {},
    }


def call(found: Call, *, at_most: int) -> JsonObject:
    """A call."""
    sitting = found.sitting
    asked = found.asked
    host = asked.get("created_by") or {"id": asked.get("created_by_id", "")}
    return {
        "cid": f"{found.type}:{found.id}",
        "id": found.id,
        "type": found.type,
        "created_by": user(host.get("id", ""), "Hedda Host"),
        "custom": asked.get("custom") or {},
        "starts_at": _moment(asked.get("starts_at")),
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "ended_at": found.ended_at,
        "backstage": False,
        "recording": any(tape.state == "running" for tape in found.tapes),
        "transcribing": False,
        "translating": False,
        "captioning": False,
        "current_session_id": sitting.id if sitting and sitting.ended_at is None else "",
        "session": session(sitting, at_most=at_most) if sitting else None,
        "blocked_user_ids": sorted(found.blocked),
        "channel_cid": None,
        "team": None,
        "egress": OTHERWISE["egress"],
        "ingress": OTHERWISE["ingress"],
        "settings": _settings(asked.get("settings_override") or {}),
    }


def event(happening: Happening, found: Call, about: Any, *, at_most: int) -> JsonObject:
    """A webhook's body."""
    told: JsonObject = {
        "type": EVENTS[happening],
        "created_at": now(),
        "call_cid": f"{found.type}:{found.id}",
    }
    match about:
        case Sitting() if happening != "ended":
            told |= {"session_id": about.id, "call": call(found, at_most=at_most)}
        case Sitting() | None:
            told |= {"call": call(found, at_most=at_most), "user": user("closer", "Klara Closer"), "reason": "ended by server"}
        case Stay():
            told |= {"session_id": found.sittings[-1].id, "participant": participant(about)}
            if about.left_at is not None:
                stayed = (about.left_at - about.joined_at).total_seconds()
                told |= {"duration_seconds": int(stayed), "reason": "disconnected", "created_at": about.left_at}
        case Tape():
            told |= {"egress_id": about.id, "recording_type": "composite"}
            if happening == "recording_ready":
                told |= {"call_recording": recording(about)}
    return told


def _settings(overridden: JsonObject) -> JsonObject:
    return {name: settings | (overridden.get(name) or {}) for name, settings in OTHERWISE["settings"].items()}


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _with_times(value: Any, written: Any) -> Any:
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, dict):
        return {name: _with_times(inner, written) for name, inner in value.items()}
    return [_with_times(inner, written) for inner in value] if isinstance(value, list) else value

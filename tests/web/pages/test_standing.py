"""What a session is to a viewer, in words: decided without a database."""

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest

from greenroom.attendance.schemas import Recording, RecordingState
from greenroom.identity.caller import Caller
from greenroom.identity.scopes import scopes_in
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.registrations.schemas import OwnRegistration
from greenroom.registrations.service import Standing
from greenroom.sessions.schemas import Session
from greenroom.web.participants.standing import NOBODY, Known, Now, now_of
from greenroom.web.times import Clock

BEGINS = "2027-03-01T17:00:00.000Z"
AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
DOORS = datetime(2027, 3, 1, 16, 45, tzinfo=UTC)


def session(**changed: Any) -> Session:
    said: dict[str, Any] = {
        "id": "0", "host_id": "host_1", "brand_id": "acme", "title": "x", "kind": "live", "category": None,
        "scheduled_at": BEGINS, "started_at": None, "ended_at": None, "status": "scheduled", "stream_call_id": None,
        "max_participants": 2, "duration_minutes": None, "recording_url": None, "metadata": msgspec.Raw(b"{}"),
        "created_at": BEGINS, "updated_at": BEGINS, "registered_count": 1, "is_registered": False, **changed,
    }  # fmt: skip
    return Session(**said)


def registered(status: str = "registered", place: int | None = None) -> Standing:
    own: dict[str, Any] = {
        "id": "1", "session_id": "0", "user_id": "ada", "role": "participant", "status": status, "waitlist_position": place,
        "registered_at": BEGINS, "promoted_at": None, "cancelled_at": None,
    }  # fmt: skip
    return Standing(OwnRegistration(**own), is_removed=False)


def seen(
    it: Session, standing: Standing = NOBODY, *, at: datetime = AT, scope: str = "read:live write:live", **more: Any
) -> Now:
    viewer = Caller(user=UserId("ada"), client=ClientId("pages"), brand=BrandId("acme"), scopes=scopes_in(scope))
    said: dict[str, Any] = {
        "is_signed_in": True, "hosts": False, "doors_open_minutes": 15, "recording": None, "has_way_in": True,
        "provider": "none", **more,
    }  # fmt: skip
    return now_of(Known(session=it, viewer=viewer, standing=standing, **said), Clock(None), at=at)


def test_the_doors_open_a_quarter_of_an_hour_before_for_who_has_a_seat() -> None:
    assert seen(session(), registered()).why_not_join == "The doors open 15 minutes before it begins."
    assert seen(session(), registered(), at=DOORS).can_join
    assert seen(session(), at=DOORS).why_not_join == "With a seat you can join."
    assert seen(session(), registered("waitlist", 1), at=DOORS).why_not_join == "With a seat you can join."


def test_a_host_joins_at_any_time_until_the_end_and_needs_no_seat() -> None:
    now = seen(session(), hosts=True)
    assert (now.can_join, now.can_ask, now.can_register, now.standing) == (True, True, False, "You host this session.")
    assert seen(session(status="ended"), hosts=True).why_not_join == "There is nothing to join any more."


def test_a_live_session_lets_in_whom_it_has_a_seat_for() -> None:
    assert seen(session(status="live")).can_join
    full = seen(session(status="live", registered_count=2))
    assert (full.can_join, full.can_register, full.can_ask, full.seats) == (False, False, False, "All seats are taken.")
    assert seen(session(status="live", registered_count=2), registered()).can_join


def test_more_than_there_are_seats_is_full() -> None:
    assert seen(session(registered_count=7)).seats.startswith("All seats are taken.")


def test_where_no_way_in_is_known_nobody_is_offered_one() -> None:
    assert seen(session(status="live"), has_way_in=False).why_not_join == "Where to join is told by who invited you."


def test_who_is_not_signed_in_is_told_what_signing_in_is_for() -> None:
    now = seen(session(status="live"), is_signed_in=False)
    assert (now.can_register, now.can_ask, now.can_vote, now.can_join) == (False, False, False, False)
    assert (now.why_not_ask, now.why_not_join) == ("Sign in to ask and to vote.", "Sign in to join.")


def test_who_may_only_read_does_nothing() -> None:
    now = seen(session(status="live"), registered(), scope="read:live")
    assert (now.can_register, now.can_cancel, now.can_ask, now.can_vote, now.can_join) == (False,) * 5


def test_who_was_removed_is_offered_nothing_while_it_is_live() -> None:
    removed = Standing(registered("cancelled").registration, is_removed=True)
    now = seen(session(status="live"), removed)
    assert (now.can_register, now.can_ask, now.can_join) == (False, False, False)
    assert now.standing.startswith("A host has removed you")


@pytest.mark.parametrize("state", get_args(RecordingState))
def test_every_state_of_a_recording_has_words_and_a_ready_one_its_link(state: RecordingState) -> None:
    url = "https://recordings.example.com/1" if state == "ready" else None
    recording = Recording(id="1", state=state, url=url, started_at=None, ended_at=None, ready_at=None)
    now = seen(session(status="ended"), registered(), recording=recording)
    assert "recording" in now.recording.lower()
    assert now.recording_url == (url or "")


def test_who_had_no_seat_hears_nothing_of_a_recording() -> None:
    assert seen(session(status="ended")).recording == ""

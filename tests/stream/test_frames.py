"""Frames: which octets say what has changed, and to whom. Pure."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from greenroom.kit.ids import BrandId, SessionId, UserId
from greenroom.questions.kept import KeptQuestion
from greenroom.stream.frames import (
    Audience,
    changes_of,
    chunk_of,
    event_of,
    frame_of,
    me_event,
    presence_event,
    snapshot_of,
)
from greenroom.stream.news import Window
from greenroom.stream.queries import SHOWN_OF_EACH, Hosts, KeptSeat, KeptState, Person, Standing, State
from greenroom.stream.schemas import Presence

SESSION = SessionId(UUID(int=1))
AT = "2026-11-23 09:00:00+00"
HOSTS = Hosts("host", [])
ROW = KeptState("live", "Title", "live", AT, AT, None, 100, 5, None, hides_askers=True)


def kept(number: int, status: str = "approved", **fields: Any) -> KeptQuestion:
    plain = KeptQuestion(
        id=UUID(int=number), session_id=SESSION, asker_user_id="ann", body=f"Body {number}", status="approved", vote_count=2,
        position=number, asked_at=AT, moderated_at=None, moderator_user_id=None, is_pinned=False, has_voted=False,
    )  # fmt: skip
    return msgspec.structs.replace(plain, status=status, **fields)


def name_of(number: int) -> str:
    return str(UUID(int=number))


def state(*questions: KeptQuestion, **fields: Any) -> State:
    return State(HOSTS, msgspec.structs.replace(ROW, **fields), list(questions))


def read(events: Iterable[bytes]) -> list[tuple[str, Any]]:
    """Name and data of each event."""
    said = []
    for event in events:
        first, second, rest = event.split(b"\n")
        assert not rest
        said.append((first.removeprefix(b"event: ").decode(), msgspec.json.decode(second.removeprefix(b"data: "))))
    return said


def changes(audience: Audience, window: Window, now: State) -> list[tuple[str, Any]]:
    return read(changes_of(audience, window, now))


def test_only_the_last_event_of_a_frame_names_the_position() -> None:
    frame = frame_of([presence_event(1), presence_event(2)], position=12)
    assert frame == b'event: presence\ndata: {"watching":1}\n\nevent: presence\ndata: {"watching":2}\nid: 12\n\n'


def test_a_chunk_says_its_length_in_octets() -> None:
    assert chunk_of("ä\n".encode() * 8) == b"18\r\n" + "ä\n".encode() * 8 + b"\r\n"


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\rb", "\n\nid: 1\n\n", "\x00", "\x0b\x0c\x1c"])
def test_no_text_ends_a_line(text: str) -> None:
    class Said(msgspec.Struct):
        text: str

    event = event_of("said", Said(text))
    assert event.count(b"\n") == 2
    assert b"\r" not in event
    assert read([event]) == [("said", {"text": text})]


@pytest.mark.parametrize(
    ("audience", "shown"), [("everybody", ["approved", "answered"]), ("moderators", ["approved", "answered", "pending"])]
)
def test_a_snapshot_shows_what_its_audience_may_see(audience: Audience, shown: list[str]) -> None:
    questions = [kept(number, status) for number, status in enumerate(("approved", "answered", "pending"), start=2)]
    [(name, said)] = read([snapshot_of(audience, SESSION, state(*questions), watching=3)])
    assert name == "snapshot"
    assert [one["status"] for one in said["questions"]] == shown
    assert {one["asker_user_id"] for one in said["questions"]} == {"ann" if audience == "moderators" else "anonymous"}
    assert (said["watching"], said["has_more"], said["pinned_question_id"]) == (3, False, None)


def test_names_are_shown_where_the_session_shows_them() -> None:
    [(_, said)] = read([snapshot_of("everybody", SESSION, state(kept(2), hides_askers=False), watching=1)])
    assert [one["asker_user_id"] for one in said["questions"]] == ["ann"]


@pytest.mark.parametrize(("more", "says"), [(0, False), (1, True)])
def test_a_snapshot_says_when_there_are_more(more: int, says: bool) -> None:
    questions = [kept(number) for number in range(2, SHOWN_OF_EACH + more + 2)]
    [(_, said)] = read([snapshot_of("everybody", SESSION, state(*questions), watching=1)])
    assert (len(said["questions"]), said["has_more"]) == (SHOWN_OF_EACH, says)


def test_more_that_wait_are_no_affair_of_everybodys() -> None:
    waiting = [kept(number, "pending") for number in range(2, SHOWN_OF_EACH + 3)]
    [(_, said)] = read([snapshot_of("everybody", SESSION, state(*waiting), watching=1)])
    assert (said["questions"], said["has_more"]) == ([], False)


def test_what_waits_is_told_to_moderators_alone() -> None:
    window = Window(9, questions=frozenset({name_of(2)}), asked=frozenset({name_of(2)}))
    now = state(kept(2, "pending"))
    assert changes("everybody", window, now) == []
    [(name, said)] = changes("moderators", window, now)
    assert (name, said["change"], said["question"]["asker_user_id"]) == ("question", "added", "ann")


def test_what_has_appeared_is_added_for_everybody_and_changed_for_moderators() -> None:
    window = Window(9, questions=frozenset({name_of(2)}), appeared=frozenset({name_of(2)}))
    told = {audience: changes(audience, window, state(kept(2)))[0][1]["change"] for audience in ("everybody", "moderators")}
    assert told == {"everybody": "added", "moderators": "changed"}


def test_what_appeared_and_is_dismissed_by_now_is_not_shown() -> None:
    window = Window(9, questions=frozenset({name_of(2)}), asked=frozenset({name_of(2)}), appeared=frozenset({name_of(2)}))
    assert changes("everybody", window, state(kept(2, "dismissed"))) == []


def test_what_has_vanished_is_removed_and_the_pin_told() -> None:
    window = Window(9, questions=frozenset({name_of(2)}), vanished=frozenset({name_of(2)}))
    assert changes("everybody", window, state(kept(2, "dismissed"))) == [
        ("question", {"change": "removed", "question_id": name_of(2), "question": None}),
        ("pin", {"question_id": None}),
    ]


def test_counts_are_told_of_what_may_be_seen_and_is_not_told_whole() -> None:
    window = Window(9, questions=frozenset({name_of(2)}), voted_on=frozenset({name_of(2), name_of(3), name_of(4)}))
    told = changes("everybody", window, state(kept(2), kept(3), kept(4, "dismissed")))
    assert [said for name, said in told if name == "votes"] == [{"counts": {name_of(3): 2}}]


def test_the_pin_is_told_as_it_is_now() -> None:
    window = Window(9, pin=True)
    assert changes("everybody", window, state(pinned_question_id=UUID(int=2))) == [("pin", {"question_id": name_of(2)})]


@pytest.mark.parametrize("is_moderator", [True, False])
def test_me_shows_ones_own_name_and_whatever_status(is_moderator: bool) -> None:
    person = Person(BrandId("acme"), SESSION, UserId("ann"))
    seat = KeptSeat(UUID(int=8), "registered", AT, None)
    mine = kept(2, "dismissed", moderated_at=AT, moderator_user_id="host")
    [(name, said)] = read([me_event(person, Standing(HOSTS, seat, [mine]), is_moderator=is_moderator)])
    assert (name, said["user_id"], said["is_moderator"]) == ("me", "ann", is_moderator)
    assert said["registration"] == {
        "id": name_of(8), "session_id": str(SESSION), "user_id": "ann", "status": "registered",
        "registered_at": "2026-11-23T09:00:00.000Z", "cancelled_at": None,
    }  # fmt: skip
    [question] = said["questions"]
    assert (question["asker_user_id"], question["status"]) == ("ann", "dismissed")
    assert question["moderator_user_id"] == ("host" if is_moderator else None)


def test_presence_is_a_number() -> None:
    assert read([event_of("presence", Presence(7))]) == [("presence", {"watching": 7})]

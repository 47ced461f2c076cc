"""Entries as another library reads them: every property, and nothing that a title or a description could add."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from greenroom.calendar.entries import Attendee, Entry, Subscription, calendar_of, event_of, frame_of
from greenroom.calendar.kept import KeptEntry, Publisher, as_entry
from greenroom.calendar.service import Feed
from tests.calendar.reading import Reader, Refused, assert_well_formed

ENTRY = Entry(
    uid="0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",
    sequence=3,
    title="Ask the physiotherapist",
    description="Bring a chair, a towel; and water.\nIt is live.",
    starts_at=datetime(2027, 3, 1, 17, 0, 0, 750_000, tzinfo=UTC),
    duration=timedelta(minutes=45),
    is_held=True,
    is_certain=True,
    changed_at=datetime(2026, 11, 28, 9, 30, 15, 123_000, tzinfo=UTC),
    organizer="noreply@live.example.com",
    attendee=Attendee(email="guest@example.com", standing="ACCEPTED"),
    url="https://live.example.com/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11",
)
NAMES = {
    "uid", "sequence", "dtstamp", "last-modified", "dtstart", "dtend", "summary", "description", "status", "organizer",
    "attendee", "url",
}  # fmt: skip
KEPT = KeptEntry(
    UUID(int=1), "Title", None, "2027-03-01 17:00:00+00", None, "scheduled", 2, "2026-11-28 09:30:15.123+00",
    UUID(int=2), "registered", 4, "2026-11-28 09:30:16+00", None,
)  # fmt: skip
PUBLISHER = Publisher("noreply@localhost", None)


def entry(**fields: Any) -> Entry:
    """ENTRY, but for these fields."""
    return msgspec.structs.replace(ENTRY, **fields)


def as_told(text: str) -> str:
    """The text as a calendar can hold it: one kind of line break, and no other control characters than tabs."""
    broken = text.replace("\r\n", "\n")
    for line_break in "\r\v\f\x85\u2028\u2029":
        broken = broken.replace(line_break, "\n")
    told = "".join(one for one in broken if one in "\n\t" or not (one < " " or one == "\x7f"))
    return told.lstrip("\ufeff")


def test_every_property_is_what_it_should_be(reader: Reader) -> None:
    event = reader.read(calendar_of([ENTRY])).event
    assert {name: (one["type"], one["parameters"], one["values"]) for name, [one] in event.properties.items()} == {
        "uid": ("text", {}, [ENTRY.uid]),
        "sequence": ("integer", {}, ["3"]),
        "dtstamp": ("date-time", {}, ["2026-11-28T09:30:15Z"]),
        "last-modified": ("date-time", {}, ["2026-11-28T09:30:15Z"]),
        "dtstart": ("date-time", {}, ["2027-03-01T17:00:00Z"]),
        "dtend": ("date-time", {}, ["2027-03-01T17:45:00Z"]),
        "summary": ("text", {}, ["Ask the physiotherapist"]),
        "description": ("text", {}, ["Bring a chair, a towel; and water.\nIt is live."]),
        "status": ("text", {}, ["CONFIRMED"]),
        "organizer": ("cal-address", {}, ["mailto:noreply@live.example.com"]),
        "attendee": (
            "cal-address",
            {"partstat": "ACCEPTED", "role": "REQ-PARTICIPANT", "rsvp": "FALSE"},
            ["mailto:guest@example.com"],
        ),
        "url": ("uri", {}, [ENTRY.url]),
    }
    assert (event.zones, event.seconds) == (["UTC", "UTC"], 45 * 60)


def test_a_calendar_that_is_no_message_has_no_method(reader: Reader) -> None:
    read = reader.read(calendar_of([ENTRY]))
    assert {name: one["values"] for name, [one] in read.properties.items()} == {
        "version": ["2.0"],
        "prodid": ["-//Greenroom//Greenroom//EN"],
    }


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_a_message_has_its_method(reader: Reader, method: Any) -> None:
    assert reader.read(calendar_of([ENTRY], method=method)).properties["method"][0]["values"] == [method]


def test_a_calendar_to_subscribe_to_says_its_name_and_how_often_to_read_it(reader: Reader) -> None:
    frame = frame_of(Subscription(name="Live sessions", every=timedelta(hours=6)))
    read = reader.read(frame.head + event_of(ENTRY) + frame.tail)
    assert {name: one["values"] for name, [one] in read.properties.items() if name not in {"version", "prodid"}} == {
        "name": ["Live sessions"],
        "x-wr-calname": ["Live sessions"],
        "refresh-interval": ["PT6H"],
        "x-published-ttl": ["PT6H"],
    }
    assert read.properties["refresh-interval"][0]["type"] == "duration"
    assert read.event.uid == ENTRY.uid


@pytest.mark.parametrize(("is_held", "is_certain", "status"), [
    (True, True, "CONFIRMED"), (True, False, "TENTATIVE"), (False, True, "CANCELLED"), (False, False, "CANCELLED"),
])  # fmt: skip
def test_the_status_says_whether_it_is_held_and_certain(
    *, reader: Reader, is_held: bool, is_certain: bool, status: str
) -> None:
    assert reader.read(calendar_of([entry(is_held=is_held, is_certain=is_certain)])).event.status == status


HOSTILE = [
    "x\r\nATTENDEE:mailto:evil@example.com",
    "x\nATTENDEE:mailto:evil@example.com",
    "x\rATTENDEE:mailto:evil@example.com",
    "x\u2028ATTENDEE:mailto:evil@example.com",
    "x\u2029ATTENDEE:mailto:evil@example.com",
    "x\x85ATTENDEE:mailto:evil@example.com",
    "x\vATTENDEE:mailto:evil@example.com",
    "x\fATTENDEE:mailto:evil@example.com",
    "x\x1cATTENDEE:mailto:evil@example.com",
    "x\\nATTENDEE:mailto:evil@example.com",
    "x\\NATTENDEE:mailto:evil@example.com",
    "x\r\n ATTENDEE:mailto:evil@example.com",
    "END:VEVENT\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR\r\nMETHOD:CANCEL",
    "\r\nEND:VEVENT\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM",
    'x";ALTREP="cid:evil":y',
    "\u202egnp.exe",
    "\u2066isolated",
    "\x07\x1b[31mred\x1b[0m",
    "\\",
    "\\\\",
    ";,:\\;\\,",
    '"',
    "^n^^^'",
    "\t\ttabs\t",
    "  spaces  ",
    "\ufeffmark",
    "\ufffe\uffff\U0010ffff",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 500,
    "é" * 10_000,
    "\U0001f600" * 10_000,
    "x" * 10_000,
    "\\" * 10_000,
    "\n" * 10_000,
    " " * 10_000,
    "C:\\New\\notes",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_adds_a_property_or_a_component(reader: Reader, text: str) -> None:
    read = reader.read(calendar_of([entry(title=text, description=text)]))
    assert (read.event.title, read.event.description) == (as_told(text), as_told(text))
    assert set(read.event.properties) == NAMES
    assert read.event.attendees == ["mailto:guest@example.com"]
    assert all(len(same) == 1 for same in read.event.properties.values())
    assert not [one for same in read.event.properties.values() for one in same if "altrep" in one["parameters"]]


def test_a_property_that_is_slipped_in_would_be_noticed(reader: Reader) -> None:
    """The negative control: octets that are not escaped are read as what they pretend to be."""
    slipped = calendar_of([ENTRY]).replace(b"SUMMARY:", b"SUMMARY:x\r\nATTENDEE:mailto:evil@example.com\r\nCOMMENT:")
    assert reader.read(slipped).event.attendees == ["mailto:evil@example.com", "mailto:guest@example.com"]


@pytest.mark.parametrize("octets", [
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n", b"BEGIN:VCALENDAR\r\n", b"hello\r\n",
])  # fmt: skip
def test_what_is_no_calendar_is_refused(reader: Reader, octets: bytes) -> None:
    with pytest.raises(Refused):
        reader.read(octets)


@pytest.mark.parametrize("octets", [
    b"X:" + b"x" * 74 + b"\r\n", b"X:a\nY:b\r\n", b"X:\xe2\x80\xa8\r\n", b"X:\x07\r\n", b"X:a",
])  # fmt: skip
def test_a_line_that_is_not_well_formed_is_noticed(octets: bytes) -> None:
    with pytest.raises(AssertionError):
        assert_well_formed(octets)


@given(title=st.text(min_size=1, max_size=300), description=st.none() | st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_as_it_was_written(reader: Reader, title: str, description: str | None) -> None:
    event = reader.read(calendar_of([entry(title=title, description=description)])).event
    assert event.title == as_told(title)
    assert (event.description or "") == as_told(description or "")
    assert set(event.properties) == (NAMES if description is not None else NAMES - {"description"})


@st.composite
def broken_texts(draw: DrawFn) -> str:
    """Texts that are made of what means something in a calendar."""
    parts = st.sampled_from(
        ["\r\n", "\r", "\n", "\\", "\\n", "\\N", ";", ",", ":", '"', "\u2028", " ", "\t", "é", "BEGIN:VEVENT", "x"]
    )
    return "".join(draw(st.lists(parts, max_size=120)))


@given(text=broken_texts())
@settings(max_examples=300, deadline=None)
def test_what_means_something_in_a_calendar_means_nothing_in_a_text(reader: Reader, text: str) -> None:
    event = reader.read(calendar_of([entry(title=text)])).event
    assert event.title == as_told(text)
    assert set(event.properties) == NAMES


@given(
    starts_at=st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC)),  # noqa: DTZ001
    minutes=st.integers(min_value=1, max_value=2**31 - 1),
)
@settings(max_examples=200, deadline=None)
def test_every_time_that_a_session_may_have_can_be_told(reader: Reader, starts_at: datetime, minutes: int) -> None:
    event = reader.read(calendar_of([entry(starts_at=starts_at, duration=timedelta(minutes=minutes))])).event
    whole = starts_at.replace(microsecond=0)
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    ends_at = last if timedelta(minutes=minutes) > last - whole else whole + timedelta(minutes=minutes)
    assert [event.starts_at, event.ends_at] == [at.isoformat().replace("+00:00", "Z") for at in (whole, ends_at)]


def test_what_begins_in_the_last_second_of_all_has_no_end(reader: Reader) -> None:
    event = reader.read(calendar_of([entry(starts_at=datetime.max.replace(tzinfo=UTC))])).event
    assert "dtend" not in event.properties


@pytest.mark.parametrize(("address", "told"), [
    ("anna+live@example.com", "anna+live@example.com"),
    ("o'brien@example.com", "o'brien@example.com"),
    ("a/b?c=d&e%f#g@example.com", "a%2Fb%3Fc%3Dd%26e%25f%23g@example.com"),
    ("{anna}|`^@example.com", "%7Banna%7D%7C%60%5E@example.com"),
])  # fmt: skip
def test_an_address_is_a_uri(reader: Reader, address: str, told: str) -> None:
    attendee = Attendee(email=address, standing="DECLINED")
    event = reader.read(calendar_of([entry(attendee=attendee, organizer=address)])).event
    assert event.attendees == [f"mailto:{told}"]
    assert event.value("organizer") == f"mailto:{told}"


def test_the_same_entry_is_the_same_octets() -> None:
    assert calendar_of([ENTRY]) == calendar_of([entry()])


def test_entries_made_one_by_one_are_those_made_together(reader: Reader) -> None:
    many = [entry(uid=str(number), title=f"Session {number}") for number in range(40)]
    assert [event.title for event in reader.read(calendar_of(many)).events] == [one.title for one in many]


@pytest.mark.parametrize(("status", "of_registration", "is_held", "is_certain"), [
    ("scheduled", None, True, True), ("live", None, True, True), ("ended", None, True, True), ("cancelled", None, False, True),
    ("scheduled", "registered", True, True), ("scheduled", "waitlist", True, False), ("scheduled", "cancelled", False, True),
    ("cancelled", "registered", False, True), ("cancelled", "waitlist", False, False), ("ended", "registered", True, True),
])  # fmt: skip
def test_the_rows_say_whether_it_is_held_and_certain(
    *, status: Any, of_registration: Any, is_held: bool, is_certain: bool
) -> None:
    kept = msgspec.structs.replace(KEPT, status=status, registration_status=of_registration)
    made = as_entry(kept, PUBLISHER)
    assert (made.is_held, made.is_certain) == (is_held, is_certain)


@pytest.mark.parametrize(("of_registration", "standing"), [
    ("registered", "ACCEPTED"), ("waitlist", "TENTATIVE"), ("cancelled", "DECLINED"),
])  # fmt: skip
def test_a_guest_is_the_attendee(of_registration: Any, standing: str) -> None:
    kept = msgspec.structs.replace(KEPT, registration_status=of_registration, guest_email="guest@example.com")
    assert as_entry(kept, PUBLISHER).attendee == Attendee(email="guest@example.com", standing=standing)  # type: ignore[arg-type]


def test_who_has_no_known_address_is_no_attendee() -> None:
    assert as_entry(KEPT, PUBLISHER).attendee is None


def test_an_entry_is_named_numbered_and_dated_by_its_rows() -> None:
    made = as_entry(KEPT, PUBLISHER)
    assert (made.uid, made.sequence, made.duration) == (str(UUID(int=2)), 6, timedelta(hours=1))
    assert made.changed_at == datetime(2026, 11, 28, 9, 30, 16, tzinfo=UTC)


async def test_others_have_their_turn_after_each_entry_of_a_feed() -> None:
    turns = 0

    async def beside() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    feed = Feed('"tag"', PUBLISHER, [KEPT] * 100)
    other = asyncio.create_task(beside())
    octets = b"".join([piece async for piece in feed.pieces()])
    other.cancel()
    assert octets.count(b"BEGIN:VEVENT") == 100
    assert turns >= 100

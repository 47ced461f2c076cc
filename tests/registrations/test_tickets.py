"""Tickets: what was written is read, until it expires, by any key that is known; and nothing else is."""

import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import BrandId, SessionId
from greenroom.kit.pagination import Cursors
from greenroom.registrations.links import AFTERWARDS, Ticket, Tickets, expiry

OLD, NEW = "an old key, long enough for everybody", "a new key, long enough for everybody"
TICKETS = Tickets([NEW])
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

TIMES = st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001  # made aware
IDS = st.uuids()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def ticket(*, brand: str = "acme", expires_at: datetime = NOON) -> Ticket:
    return Ticket(BrandId(brand), SessionId(UUID(int=1)), UUID(int=2), expires_at)


def read(text: str, *, tickets: Tickets = TICKETS, now: datetime = FIRST) -> Ticket | None:
    """What the text says; None for one that is refused."""
    try:
        return tickets.read(text, now=now)
    except InvalidToken:
        return None


@given(brand=TEXTS, session=IDS, registration=IDS, expires_at=TIMES)
def test_what_was_written_is_read_in_whole_seconds(brand: str, session: UUID, registration: UUID, expires_at: datetime) -> None:
    whole = expires_at.replace(microsecond=0)
    written = Ticket(BrandId(brand), SessionId(session), registration, whole)
    assert read(TICKETS.write(written)) == written


@given(brand=TEXTS)
def test_a_ticket_needs_no_escaping_in_a_path(brand: str) -> None:
    assert set(TICKETS.write(ticket(brand=brand))) <= set(string.ascii_letters + string.digits + "-_.=")


@pytest.mark.parametrize(("after", "is_good"), [
    (timedelta(days=-1), True), (timedelta(microseconds=-1), True), (timedelta(0), False), (timedelta(microseconds=1), False),
    (timedelta(days=1), False),
], ids=str)  # fmt: skip
def test_a_ticket_is_good_until_it_expires(after: timedelta, *, is_good: bool) -> None:
    assert (read(TICKETS.write(ticket()), now=NOON + after) is not None) == is_good


def test_a_key_that_was_rotated_out_of_use_still_opens() -> None:
    old = Tickets([OLD]).write(ticket())
    assert read(old, tickets=Tickets([NEW, OLD])) == ticket()


def test_a_new_key_writes_as_soon_as_it_is_first() -> None:
    assert read(Tickets([NEW, OLD]).write(ticket()), tickets=Tickets([NEW])) == ticket()


def test_a_key_that_was_taken_away_opens_nothing() -> None:
    assert read(Tickets([OLD]).write(ticket())) is None


@given(st.text(max_size=200))
def test_no_text_but_a_ticket_is_read(text: str) -> None:
    assert read(text) is None


@given(place=st.integers(0, 200), character=st.sampled_from(string.ascii_letters + string.digits + "-_.="))
def test_a_changed_ticket_is_refused_or_says_the_same(place: int, character: str) -> None:
    """The last letter of Base64 has bits that say nothing (RFC 4648, section 3.5): some changes are none."""
    written = TICKETS.write(ticket())
    at = place % len(written)
    assert read(written[:at] + character + written[at + 1 :]) in {None, ticket()}


def test_a_cursor_is_no_ticket() -> None:
    written = TICKETS.write(ticket())
    assert read(Cursors([NEW]).seal(b"x" * 60, of="")) is None
    assert read(written) == ticket()


def test_a_link_is_good_for_a_day_after_the_session_begins() -> None:
    assert expiry(NOON, now=NOON - timedelta(days=9)) == NOON + AFTERWARDS == NOON + timedelta(days=1)


def test_a_link_is_good_for_a_day_though_the_session_has_begun_long_ago() -> None:
    assert expiry(FIRST, now=NOON) == NOON + AFTERWARDS


@pytest.mark.parametrize("begins", [LAST, LAST - timedelta(hours=23), LAST - AFTERWARDS, LAST - timedelta(days=1, seconds=1)])
def test_a_link_is_good_to_the_end_of_the_calendar_at_most(begins: datetime) -> None:
    until = expiry(begins, now=NOON)
    assert until == min(LAST, begins + AFTERWARDS if begins <= LAST - AFTERWARDS else LAST).replace(microsecond=0)
    assert read(TICKETS.write(ticket(expires_at=until)), now=NOON) == ticket(expires_at=until)


@given(begins=TIMES, now=st.datetimes(max_value=datetime(9000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # made aware
def test_a_new_link_is_always_good_for_a_day_and_can_be_written(begins: datetime, now: datetime) -> None:
    until = expiry(begins, now=now)
    assert until.microsecond == 0
    assert now + AFTERWARDS - timedelta(seconds=1) < until <= LAST
    assert read(TICKETS.write(ticket(expires_at=until)), now=now) == ticket(expires_at=until)

"""GET /v1/me/calendar.ics: which sessions are in a person's feed, in which state, and when it is another one."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from greenroom.calendar.queries import MOST_ENTRIES
from greenroom.kit.ids import BrandId
from tests.administration.admins import administered
from tests.calendar.agenda import Agenda
from tests.calendar.reading import LINE_OCTETS
from tests.postgres import Owner
from tests.registrations.people import Room, answered
from tests.tenant import Tenant
from tests.wire import assert_refused

PLANTED = """
insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, created_at, updated_at)
select $1, gen_random_uuid(), 'host_1', 'Session ' || n, 'live', now() + n * interval '1 hour', 10, now(), now()
from generate_series($2::integer, $3::integer) n
"""


async def co_hosted(agenda: Agenda, there: Room, user: str) -> None:
    answered(await agenda.http.put(f"{there.path}/co-hosts/{user}", headers=agenda.tenant.bearer()), 200)


async def test_it_has_what_one_is_registered_for_waits_for_and_hosts(agenda: Agenda) -> None:
    seat, line = await agenda.room("seat", days=3), await agenda.room("line", days=2, seats=1)
    await agenda.room("another's", days=1)
    co_host = await agenda.room("co-host", days=4)
    await seat.enter("anna")
    await line.enter("ben", "anna")
    await co_hosted(agenda, co_host, "anna")
    events = (await agenda.feed(await agenda.link("anna"))).events
    assert [(event.title, event.status) for event in events] == [
        ("line", "TENTATIVE"), ("seat", "CONFIRMED"), ("co-host", "CONFIRMED"),
    ]  # fmt: skip
    assert await agenda.titles(await agenda.link("host_1")) == ["another's", "line", "seat", "co-host"]


async def test_its_entries_are_those_of_the_sessions(agenda: Agenda) -> None:
    seat, line, hosted = await agenda.room("seat"), await agenda.room("line", seats=1), await agenda.room("hosted")
    await seat.enter("anna")
    await line.enter("ben", "anna")
    await co_hosted(agenda, hosted, "anna")
    read = await agenda.feed(await agenda.link("anna"))
    for there in (seat, line, hosted):
        assert read.of(there.session["title"]) == await agenda.entry(there, "anna")


async def test_a_guest_is_the_only_attendee_of_each_entry(agenda: Agenda) -> None:
    there = await agenda.room()
    guest = await there.invite("guest@example.com")
    await there.invite("other@example.com")
    event = (await agenda.feed(await agenda.link(f"guest:{guest['id']}"))).event
    assert event.attendees == ["mailto:guest@example.com"]


async def test_what_is_called_off_or_given_up_is_cancelled(agenda: Agenda) -> None:
    off, left = await agenda.room("off", days=1), await agenda.room("left", days=2)
    await off.enter("anna")
    await left.enter("anna")
    link = await agenda.link("anna")
    before = (await agenda.feed(link)).events
    await off.step("cancel")
    await left.leave("anna")
    after = (await agenda.feed(link)).events
    assert [event.status for event in after] == ["CANCELLED", "CANCELLED"]
    assert [event.uid for event in after] == [event.uid for event in before]
    assert all(now.sequence > then.sequence for now, then in zip(after, before, strict=True))


async def test_who_was_removed_sees_that_it_is_cancelled(agenda: Agenda) -> None:
    there = await agenda.room()
    [own] = await there.enter("anna")
    link = await agenda.link("anna")
    answered(await there.remove(own), 200)
    assert (await agenda.feed(link)).event.status == "CANCELLED"


async def test_who_came_again_sees_the_later_registration_alone(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.enter("anna")
    await there.leave("anna")
    [again] = await there.enter("anna")
    event = (await agenda.feed(await agenda.link("anna"))).event
    assert (event.uid, event.status) == (again["id"], "CONFIRMED")


async def test_a_host_with_a_seat_sees_the_session_once(agenda: Agenda) -> None:
    there = await agenda.room()
    [own] = await there.enter("host_1")
    link = await agenda.link("host_1")
    assert (await agenda.feed(link)).event.uid == own["id"]
    await there.leave("host_1")
    event = (await agenda.feed(link)).event
    assert (event.uid, event.status) == (there.session["id"], "CONFIRMED")


async def test_who_co_hosts_no_longer_does_not_see_it(agenda: Agenda) -> None:
    there, link = await agenda.room(), await agenda.link("anna")
    await co_hosted(agenda, there, "anna")
    assert len(await agenda.titles(link)) == 1
    await agenda.http.delete(f"{there.path}/co-hosts/anna", headers=agenda.tenant.bearer())
    assert await agenda.titles(link) == []


@pytest.mark.parametrize("whose", ["host_1", "anna", "ben"])
async def test_it_goes_back_thirty_days(agenda: Agenda, whose: str) -> None:
    for days in (-31, -29, 400):
        there = await agenda.room(f"{days}", days=days)
        await there.enter("anna")
        await co_hosted(agenda, there, "ben")
    assert await agenda.titles(await agenda.link(whose)) == ["-29", "400"]


async def test_what_was_given_up_vanishes_after_thirty_days(agenda: Agenda, owner: Owner) -> None:
    there = await agenda.room()
    [own] = await there.enter("anna")
    await there.leave("anna")
    link = await agenda.link("anna")
    long_ago = "update registrations set cancelled_at = now() - interval '31 days' where id = $1"
    await owner.execute(long_ago, UUID(own["id"]))
    assert await agenda.titles(link) == []


async def test_of_more_than_it_holds_the_soonest_to_come_are_there(agenda: Agenda, owner: Owner) -> None:
    await owner.execute(PLANTED, agenda.tenant.brand, -20, MOST_ENTRIES - 10)
    titles = await agenda.titles(await agenda.link("host_1"))
    assert len(titles) == MOST_ENTRIES
    assert titles == [f"Session {hour}" for hour in range(-10 + 1, MOST_ENTRIES - 10 + 1)]


async def test_an_empty_one_is_a_calendar(agenda: Agenda) -> None:
    read = await agenda.feed(await agenda.link("anna"))
    assert read.events == []
    assert {name: one["values"] for name, [one] in read.properties.items()} == {
        "version": ["2.0"], "prodid": ["-//Greenroom//Greenroom//EN"],
        "name": ["Live sessions"], "x-wr-calname": ["Live sessions"],
        "refresh-interval": ["PT1H"], "x-published-ttl": ["PT1H"],
    }  # fmt: skip


async def test_nothing_of_another_brand_or_person_is_in_it(agenda: Agenda) -> None:
    elsewhere = Agenda(agenda.http, Tenant(BrandId(f"{agenda.tenant.brand}-other")), agenda.reader)
    for there in (agenda, elsewhere):
        room = await there.room(f"of {there.tenant.brand}")
        await room.enter("anna")
        await co_hosted(there, room, "ben")
    for user in ("anna", "ben", "host_1"):
        assert await agenda.titles(await agenda.link(user)) == [f"of {agenda.tenant.brand}"]
        assert await elsewhere.titles(await elsewhere.link(user)) == [f"of {elsewhere.tenant.brand}"]
    assert await agenda.titles(await agenda.link("carl")) == []


async def test_hostile_titles_add_nothing(agenda: Agenda) -> None:
    hostile = [
        "x\r\nATTENDEE:mailto:evil@example.com",
        "\U0001f600" * 10_000,
        "END:VEVENT\nEND:VCALENDAR",
        '";\\',
        "\u2028\x85",
    ]
    for title in hostile:
        await agenda.room(title)
    read = await agenda.feed(await agenda.link("host_1"))
    told = {title.replace("\r\n", "\n").replace("\u2028", "\n").replace("\x85", "\n") for title in hostile}
    assert {event.title for event in read.events} == told
    assert [event.attendees for event in read.events] == [[]] * len(hostile)


async def test_its_headers(agenda: Agenda) -> None:
    response = await agenda.open(await agenda.link())
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="calendar.ics"'
    assert response.headers["cache-control"] == "private, no-cache"


async def test_its_head_alone(agenda: Agenda) -> None:
    link = await agenda.link()
    whole, head = await agenda.open(link), await agenda.http.head(link["url"])
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", whole.headers["etag"])


async def test_who_has_it_is_told_so(agenda: Agenda) -> None:
    there, link = await agenda.room(), await agenda.link("anna")
    await there.enter("anna")
    first, second = await agenda.open(link), await agenda.open(link)
    tag = first.headers["etag"]
    assert (second.content, second.headers["etag"]) == (first.content, tag)
    for held in (tag, f'"x", W/{tag}', "*"):
        response = await agenda.open(link, If_None_Match=held)
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)


async def test_whatever_changes_it_changes_its_tag(agenda: Agenda) -> None:
    there, link = await agenda.room(seats=1), await agenda.link("anna")
    await there.enter("ben", "anna")
    response = await agenda.open(link)
    seen = {response.headers["etag"]: response.content}
    changes: list[Callable[[], Awaitable[object]]] = [
        lambda: there.leave("ben"),
        lambda: there.patch(title="Another"),
        lambda: administered(agenda.http, agenda.tenant, there.session, {"description": "Said"}),
        lambda: administered(agenda.http, agenda.tenant, there.session, {"duration_minutes": 5}),
        lambda: there.step("cancel"),
        lambda: administered(agenda.http, agenda.tenant, there.session, {"status": "scheduled"}),
        lambda: there.leave("anna"),
    ]
    for number, change in enumerate(changes, start=2):
        await change()
        response = await agenda.open(link, If_None_Match=response.headers["etag"])
        assert response.status_code == 200
        seen[response.headers["etag"]] = response.content
        assert len(seen) == len(set(seen.values())) == number
        assert (await agenda.open(link, If_None_Match=response.headers["etag"])).status_code == 304


async def test_what_is_nothing_to_the_person_does_not_change_its_tag(agenda: Agenda) -> None:
    there, link = await agenda.room(), await agenda.link("anna")
    await there.enter("anna")
    tag = (await agenda.open(link)).headers["etag"]
    await there.enter("ben", "carl")
    await there.leave("ben")
    await agenda.room("another's")
    assert (await agenda.open(link, If_None_Match=tag)).status_code == 304


async def test_a_new_link_to_the_same_calendar_has_the_same_tag(agenda: Agenda) -> None:
    """It is what is in the calendar, not how it was come by."""
    tags = {(await agenda.open(await agenda.link("anna"))).headers["etag"] for _ in range(2)}
    assert len(tags) == 1


@pytest.mark.parametrize("tag", ["no tag", '"', "W/"])
async def test_a_tag_that_is_none_is_refused(agenda: Agenda, tag: str) -> None:
    assert_refused(await agenda.open(await agenda.link(), If_None_Match=tag), "validation_error", names="If-None-Match")


async def test_lines_are_folded(agenda: Agenda) -> None:
    await agenda.room("é" * 5000)
    octets = (await agenda.open(await agenda.link("host_1"))).content
    lines = octets.split(b"\r\n")
    assert max(map(len, lines)) <= LINE_OCTETS
    assert len(lines) > 10_000 // LINE_OCTETS

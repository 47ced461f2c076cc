"""GET /v1/sessions/{id}/calendar.ics: the caller's own entry, in every standing, as ical.js reads it."""

from pathlib import Path

import httpx
import pytest

from tests.administration.admins import administered
from tests.calendar.agenda import Agenda
from tests.calendar.reading import Reader
from tests.postgres import TestDatabase
from tests.registrations.people import Room, answered, room
from tests.server import AUTHORITIES, running_server
from tests.tenant import Tenant
from tests.wire import assert_refused


async def test_the_entry_of_a_seat_is_named_by_the_registration(agenda: Agenda) -> None:
    there = await agenda.room("Knees; backs, and necks", days=7)
    [own] = await there.enter("anna")
    event = await agenda.entry(there)
    assert (event.uid, event.status, event.title) == (own["id"], "CONFIRMED", "Knees; backs, and necks")
    assert (event.starts_at, event.zones) == (there.session["scheduled_at"].replace(".000", ""), ["UTC", "UTC"])
    assert event.value("organizer") == "mailto:noreply@localhost"
    assert "method" not in agenda.reader.answer(await agenda.get_entry(there)).properties


async def test_without_a_registration_it_is_named_by_the_session(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.enter("ben")
    event = await agenda.entry(there)
    assert (event.uid, event.status, event.sequence, event.attendees) == (there.session["id"], "CONFIRMED", 0, [])


async def test_who_waits_in_line_has_a_tentative_one_until_the_promotion(agenda: Agenda) -> None:
    there = await agenda.room(seats=1)
    await there.enter("ben")
    [own] = await there.enter("anna")
    waiting = await agenda.entry(there)
    assert (waiting.uid, waiting.status) == (own["id"], "TENTATIVE")
    await there.leave("ben")
    promoted = await agenda.entry(there)
    assert (promoted.uid, promoted.status) == (own["id"], "CONFIRMED")
    assert promoted.sequence > waiting.sequence


async def test_what_was_given_up_is_cancelled(agenda: Agenda) -> None:
    there = await agenda.room()
    [own] = await there.enter("anna")
    before = await agenda.entry(there)
    await there.leave("anna")
    after = await agenda.entry(there)
    assert (after.uid, after.status) == (own["id"], "CANCELLED")
    assert after.sequence > before.sequence


async def test_who_comes_again_has_another_entry(agenda: Agenda) -> None:
    there = await agenda.room()
    [first] = await there.enter("anna")
    await there.leave("anna")
    [second] = await there.enter("anna")
    assert first["id"] != second["id"]
    assert ((await agenda.entry(there)).uid, (await agenda.entry(there)).status) == (second["id"], "CONFIRMED")
    await there.leave("anna")
    assert (await agenda.entry(there)).uid == second["id"]


async def test_who_was_removed_has_a_cancelled_one(agenda: Agenda) -> None:
    there = await agenda.room()
    [own] = await there.enter("anna")
    answered(await there.remove(own), 200)
    event = await agenda.entry(there)
    assert (event.uid, event.status) == (own["id"], "CANCELLED")


@pytest.mark.parametrize("user", ["anna", "ben", "host_1", "stranger"])
async def test_everybodys_is_cancelled_with_the_session(agenda: Agenda, user: str) -> None:
    there = await agenda.room(seats=1)
    await there.enter("ben", "anna")
    await there.step("cancel")
    assert (await agenda.entry(there, user)).status == "CANCELLED"


@pytest.mark.parametrize("steps", [["start"], ["start", "end"]])
async def test_what_runs_or_is_over_stays_as_it_was(agenda: Agenda, steps: list[str]) -> None:
    there = await agenda.room()
    await there.enter("anna")
    before = await agenda.entry(there)
    for step in steps:
        await there.step(step)
    after = await agenda.entry(there)
    assert (after.status, after.sequence, after.starts_at) == ("CONFIRMED", before.sequence, before.starts_at)


async def test_a_host_who_gave_up_a_seat_hosts_still(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.enter("host_1")
    await there.leave("host_1")
    event = await agenda.entry(there, "host_1")
    assert (event.uid, event.status) == (there.session["id"], "CONFIRMED")


async def test_a_guest_is_the_one_attendee(agenda: Agenda) -> None:
    there = await agenda.room()
    guest, _ = await there.invite("anna+live@example.com"), await there.invite("ben@example.com")
    await there.enter("carl", "dora")
    event = await agenda.entry(there, f"guest:{guest['id']}")
    assert event.attendees == ["mailto:anna+live@example.com"]
    assert event.properties["attendee"][0]["parameters"]["partstat"] == "ACCEPTED"


async def test_nobody_elses_address_is_in_it(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.invite("secret@example.com")
    await there.enter("anna")
    for user in ("anna", "host_1", "stranger"):
        response = await agenda.get_entry(there, user)
        assert b"secret" not in response.content
        assert agenda.reader.answer(response).event.attendees == []


async def test_its_length_is_the_sessions_or_an_hour(agenda: Agenda) -> None:
    there = await agenda.room()
    assert (await agenda.entry(there)).seconds == 3600
    await administered(agenda.http, agenda.tenant, there.session, {"duration_minutes": 45})
    assert (await agenda.entry(there)).seconds == 45 * 60


async def test_the_description_is_told(agenda: Agenda) -> None:
    there = await agenda.room()
    assert (await agenda.entry(there)).description is None
    await administered(agenda.http, agenda.tenant, there.session, {"description": "Line\r\nATTENDEE:mailto:evil@example.com"})
    event = await agenda.entry(there)
    assert (event.description, event.attendees) == ("Line\nATTENDEE:mailto:evil@example.com", [])


@pytest.mark.parametrize("title", [
    "x\r\nATTENDEE:mailto:evil@example.com", "x\u2028END:VEVENT", "\U0001f600" * 10_000, '"', "\x07", "\u202egnp.exe",
])  # fmt: skip
async def test_a_title_is_nothing_but_a_title(agenda: Agenda, title: str) -> None:
    there = await agenda.room(title)
    await there.enter("anna")
    event = await agenda.entry(there)
    assert event.title == title.replace("\r\n", "\n").replace("\u2028", "\n").replace("\x07", "")
    assert (event.attendees, event.status) == ([], "CONFIRMED")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2027-03-01T18:00:00.5+01:00"])
async def test_every_time_can_be_told(agenda: Agenda, at: str) -> None:
    there = await room(agenda.http, agenda.tenant, scheduled_at=at)
    event = await agenda.entry(there)
    assert event.starts_at == there.session["scheduled_at"][:19] + "Z"


async def test_the_same_state_is_the_same_octets(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.enter("anna")
    first, second = await agenda.get_entry(there), await agenda.get_entry(there)
    assert (first.content, first.headers["etag"]) == (second.content, second.headers["etag"])


async def test_its_headers(agenda: Agenda) -> None:
    response = await agenda.get_entry(await agenda.room())
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="session.ics"'
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["etag"].startswith('"')


async def test_who_has_it_is_told_so(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.enter("anna")
    tag = (await agenda.get_entry(there)).headers["etag"]
    for held in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        response = await agenda.get_entry(there, If_None_Match=held)
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)


async def test_who_has_an_older_one_gets_the_new_one(agenda: Agenda) -> None:
    there = await agenda.room()
    tag = (await agenda.get_entry(there)).headers["etag"]
    for change in ("title", "seat"):
        await (there.patch(title="Another") if change == "title" else there.enter("anna"))
        response = await agenda.get_entry(there, If_None_Match=tag)
        assert response.status_code == 200
        tag = response.headers["etag"]


async def test_another_persons_tag_is_another(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.enter("anna", "ben")
    tags = {(await agenda.get_entry(there, user)).headers["etag"] for user in ("anna", "ben", "carl")}
    assert len(tags) == 3


@pytest.mark.parametrize("tag", ["no tag", "", '"', "W/"])
async def test_a_tag_that_is_none_is_refused(agenda: Agenda, tag: str) -> None:
    there = await agenda.room()
    assert_refused(await agenda.get_entry(there, If_None_Match=tag), "validation_error", names="If-None-Match")


async def test_its_head_alone(agenda: Agenda) -> None:
    there = await agenda.room()
    whole = await agenda.get_entry(there)
    head = await agenda.http.head(f"{there.path}/calendar.ics", headers=agenda.tenant.bearer("anna"))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize("unknown", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "x", "calendar.ics"])
async def test_there_is_none_of_a_session_that_is_not_there(agenda: Agenda, unknown: str) -> None:
    assert_refused(await agenda.get_entry(Room(agenda.http, agenda.tenant, {"id": unknown})), "not_found")


async def test_nobody_gets_it_without_a_token(agenda: Agenda) -> None:
    there = await agenda.room()
    assert_refused(await agenda.http.get(f"{there.path}/calendar.ics"), "unauthenticated")


async def test_a_feeds_ticket_opens_no_sessions_calendar(agenda: Agenda) -> None:
    there, link = await agenda.room(), await agenda.link()
    response = await agenda.http.get(f"{there.path}/calendar.ics", params={"ticket": link["ticket"]})
    assert_refused(response, "unauthenticated")


async def test_who_crosses_brands_sees_it(agenda: Agenda) -> None:
    there = await agenda.room()
    token = agenda.tenant.bearer("operator", scope="admin:*", X_Brand_Id=agenda.tenant.brand)
    read = agenda.reader.answer(await agenda.http.get(f"{there.path}/calendar.ics", headers=token))
    assert read.event.uid == there.session["id"]


async def test_who_publishes_is_said_by_the_settings(
    database: TestDatabase, tmp_path: Path, tenant: Tenant, reader: Reader
) -> None:
    settings = {
        "GREENROOM_PUBLIC_URL": "https://live.example.com:8443",
        "GREENROOM_MAIL_FROM": "host+live@mail.example.com",
        "GREENROOM_BACKGROUND": "off",
    }
    with running_server(database, tmp_path, settings=settings) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            agenda = Agenda(client, tenant, reader)
            there = await agenda.room()
            event = await agenda.entry(there)
            link = await agenda.link("host_1")
            fed = (await agenda.feed(link)).event
    assert event.value("organizer") == fed.value("organizer") == "mailto:host+live@mail.example.com"
    assert event.value("url") == fed.value("url") == f"https://live.example.com:8443{there.path}"
    assert link["url"] == f"https://live.example.com:8443/v1/me/calendar.ics?ticket={link['ticket']}"


async def test_without_an_address_of_its_own_it_is_the_hosts_of_the_public_url(
    database: TestDatabase, tmp_path: Path, tenant: Tenant, reader: Reader
) -> None:
    settings = {"GREENROOM_PUBLIC_URL": "https://live.example.com:8443", "GREENROOM_BACKGROUND": "off"}
    with running_server(database, tmp_path, settings=settings) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            agenda = Agenda(client, tenant, reader)
            event = await agenda.entry(await agenda.room())
    assert event.value("organizer") == "mailto:noreply@live.example.com"

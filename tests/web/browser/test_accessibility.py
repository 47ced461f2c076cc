"""Every page and state, judged by axe: light and dark, on a phone and wide; and at 320 pixels nothing is cut off."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from greenroom.identity import sign_in
from greenroom.identity.invitation import Invitation
from greenroom.kit.database import Database
from greenroom.kit.ids import UserId
from tests.chromium import Look
from tests.web.browser.judging import overflow, violations
from tests.web.browser.people import People

LONG = "Ask the physiotherapist about everything that hurts, " * 4 + "x" * 120

LOOKS = {
    "light and wide": Look(judged=True, still=True),
    "dark and wide": Look(judged=True, still=True, scheme="dark"),
    "light on a phone": Look(judged=True, still=True, width=390, height=844),
    "dark at 320": Look(judged=True, still=True, width=320, height=640, scheme="dark"),
}

MANAGER = "manager_1"
Seen = tuple[str | None, str]  # who looks, and at what


async def _scheduled(people: People, **fields: object) -> str:
    return await people.session(title=LONG, **fields)


async def nobody_signs_in(_: People) -> Seen:
    return None, "/signin"


async def signed_in_already(_: People) -> Seen:
    return "ada", "/signin"


async def a_link_that_is_gone(_: People) -> Seen:
    return None, "/signin/link?code=gone"


async def nothing_there(_: People) -> Seen:
    return "ada", "/nothing"


async def nothing_on(_: People) -> Seen:
    return "ada", "/"


async def much_on(people: People) -> Seen:
    for day in range(1, 4):
        await people.session(title=LONG, scheduled_at=f"2027-03-0{day}T17:00:00Z")
    live = await people.session(max_participants=1)
    await people.registered(live, "ada")
    await people.step(live, "start")
    return "ada", "/"


async def a_month(people: People) -> Seen:
    for day in (1, 1, 8, 20):
        await people.session(title=LONG, scheduled_at=f"2027-03-{day:02}T17:00:00Z")
    return "ada", "/?month=2027-03"


async def an_empty_month(_: People) -> Seen:
    return "ada", "/?month=2030-01"


async def a_bad_query(_: People) -> Seen:
    return "ada", "/?month=never"


async def seats_free(people: People) -> Seen:
    return "ada", f"/s/{await _scheduled(people)}"


async def seated_with_questions(people: People) -> Seen:
    session = await _scheduled(people)
    await people.registered(session, "ada")
    for body in ("Which chair?", LONG[:400], "\u202eright to left"):
        await people.question(session, body)
    answered = await people.question(session, "Answered")
    await people.call("PATCH", f"/sessions/{session}/questions/{answered}", body={"status": "answered"})
    pinned = await people.question(session, "Pinned")
    await people.call("POST", f"/sessions/{session}/questions/{pinned}/pin")
    await people.question(session, "It waits", "ada", status=None)
    return "ada", f"/s/{session}"


async def in_line(people: People) -> Seen:
    session = await _scheduled(people, max_participants=1)
    await people.registered(session, "bob", "ada")
    return "ada", f"/s/{session}"


async def full(people: People) -> Seen:
    session = await _scheduled(people, max_participants=1)
    await people.registered(session, "bob")
    return "ada", f"/s/{session}"


async def live(people: People) -> Seen:
    session = await _scheduled(people)
    await people.step(session, "start")
    return "ada", f"/s/{session}"


async def called_off(people: People) -> Seen:
    session = await _scheduled(people)
    await people.registered(session, "ada")
    await people.step(session, "cancel")
    return "ada", f"/s/{session}"


async def ended(people: People) -> Seen:
    session = await _scheduled(people)
    await people.registered(session, "ada")
    await people.step(session, "start")
    await people.step(session, "end")
    return "ada", f"/s/{session}"


async def removed(people: People) -> Seen:
    session = await _scheduled(people)
    await people.registered(session, "ada")
    await people.call("DELETE", f"/sessions/{session}/participants/ada")
    return "ada", f"/s/{session}"


async def not_a_hosts(people: People) -> Seen:
    return "ada", f"/host/{await _scheduled(people)}"


async def an_empty_desk(_: People) -> Seen:
    return "host_1", "/host"


async def a_full_desk(people: People) -> Seen:
    await _scheduled(people)
    await people.step(await _scheduled(people), "start")
    soon = datetime.now(UTC) + timedelta(minutes=1)
    await people.step(await _scheduled(people, scheduled_at=soon.isoformat()), "cancel")
    return "host_1", "/host"


async def a_new_session(_: People) -> Seen:
    return "host_1", "/host/new"


async def an_edit(people: People) -> Seen:
    session = await _scheduled(people, max_participants=1)
    await people.registered(session, "ada", "bob")
    return "host_1", f"/host/{session}"


async def a_live_desk(people: People) -> Seen:
    session = await _scheduled(people)
    await people.step(session, "start")
    return "host_1", f"/host/{session}"


async def a_desk_of_what_ended(people: People) -> Seen:
    session = await _scheduled(people)
    await people.step(session, "start")
    await people.step(session, "end")
    return "host_1", f"/host/{session}"


async def a_link(people: People) -> Seen:
    invitation = Invitation(brand=people.tenant.brand, user=UserId("ada"), scope="read:live", leads_to="/")
    async with Database(people.database.service_url, size=1, wait_seconds=5, statement_seconds=10) as db:
        return None, f"/signin/link?code={await sign_in.invite(db, invitation)}"


async def a_sign_in_that_failed(_: People) -> Seen:
    return None, "/signin/link?code=" + "x" * 43


async def attendance_before(people: People) -> Seen:
    return "host_1", f"/host/{await _scheduled(people)}/attendance"


async def attendance_after(people: People) -> Seen:
    session = await _scheduled(people)
    await people.registered(session, "ada", "bob")
    await people.step(session, "start")
    await people.step(session, "end")
    return "host_1", f"/host/{session}/attendance"


async def no_webhooks(_: People) -> Seen:
    return MANAGER, "/host/webhooks"


async def a_webhook(people: People) -> Seen:
    wanted = {"url": "http://127.0.0.1:9/hook", "events": ["live."], "description": LONG}
    made = await people.call("POST", "/webhook-endpoints", MANAGER, wanted, scope="manage:live")
    await people.call("POST", f"/webhook-endpoints/{made['id']}/test", MANAGER, scope="manage:live")
    return MANAGER, f"/host/webhooks/{made['id']}"


async def some_webhooks(people: People) -> Seen:
    await a_webhook(people)
    return MANAGER, "/host/webhooks"


STATES: list[Callable[[People], Awaitable[Seen]]] = [
    nobody_signs_in, signed_in_already, a_link_that_is_gone, nothing_there, nothing_on, much_on, a_month, an_empty_month,
    a_bad_query, seats_free, seated_with_questions, in_line, full, live, called_off, ended, removed, not_a_hosts, an_empty_desk,
    a_full_desk, a_new_session, an_edit, a_live_desk, a_desk_of_what_ended, a_link,
    a_sign_in_that_failed, attendance_before, attendance_after, no_webhooks, a_webhook, some_webhooks,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_everybody_can_use_it(people: People, state: Callable[[People], Awaitable[Seen]]) -> None:
    user, path = await state(people)
    found = {}
    for name, look in LOOKS.items():
        page = await people.page(user, path, look=look, scope="manage:live" if user == MANAGER else "read:live write:live")
        wrong = await violations(page)
        wide = await overflow(page)
        if wrong or wide:
            found[name] = [*wrong, *([f"{wide} px wider than the window"] if wide else [])]
    assert found == {}

"""The queue of questions and the list of people, judged by axe in their states, in every look."""

from collections.abc import Awaitable, Callable

import pytest

from tests.web.browser.judging import overflow, violations
from tests.web.browser.people import People
from tests.web.browser.test_accessibility import LONG, LOOKS

OPEN_ALL = "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"


async def an_empty_queue(people: People) -> str:
    return f"/host/{await people.session(title=LONG)}/questions"


async def a_full_queue(people: People) -> str:
    session = await people.session(title=LONG)
    await people.step(session, "start")
    for turn, body in enumerate(("Which chair?", LONG[:400], "\u202eright to left", "x" * 400)):
        await people.question(session, body, f"{'asker' * 30}{turn}", status=None)
    for status in ("dismissed", "approved"):
        await people.question(session, status, status=status)
    answered = await people.question(session, "Answered", "ada")
    await people.call("PATCH", f"/sessions/{session}/questions/{answered}", body={"status": "answered"})
    pinned = await people.question(session, "Pinned", "ada")
    await people.call("POST", f"/sessions/{session}/questions/{pinned}/pin")
    return f"/host/{session}/questions"


async def one_status_of_a_queue(people: People) -> str:
    return f"{await a_full_queue(people)}?status=approved"


async def nobody_registered(people: People) -> str:
    return f"/host/{await people.session(title=LONG)}/people"


async def many_people(people: People) -> str:
    session = await people.session(title=LONG, max_participants=2)
    await people.registered(session, "ada", "x" * 200, "\u202eright to left", "in line")
    await people.call("POST", f"/sessions/{session}/registrations", "ada")
    rosa = await people.call("POST", f"/sessions/{session}/registrations", "rosa")
    await people.call("DELETE", f"/sessions/{session}/registrations/{rosa['id']}")
    await people.call("PATCH", f"/sessions/{session}", body={"max_participants": 4})
    return f"/host/{session}/people"


async def a_search_without_a_match(people: People) -> str:
    return f"{await many_people(people)}?q=nobody"


async def a_search_that_cannot_be_made(people: People) -> str:
    return f"{await many_people(people)}?status=never"


STATES: list[Callable[[People], Awaitable[str]]] = [
    an_empty_queue, a_full_queue, one_status_of_a_queue, nobody_registered, many_people, a_search_without_a_match,
    a_search_that_cannot_be_made,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_everybody_can_use_it(people: People, state: Callable[[People], Awaitable[str]]) -> None:
    path = await state(people)
    found = {}
    for name, look in LOOKS.items():
        page = await people.page("host_1", path, look=look)
        await page.evaluate(OPEN_ALL)
        wrong = await violations(page)
        wide = await overflow(page)
        if wrong or wide:
            found[name] = [*wrong, *([f"{wide} px wider than the window"] if wide else [])]
    assert found == {}

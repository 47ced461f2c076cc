"""Steps of a session's life that meet an edit, each other, or themselves."""

from typing import Literal

import pytest

from tests.concurrency.history import Contest, at_once, shown, statuses
from tests.tenant import Json

ROUNDS = 20
WIDE_ROUNDS = 5

Final = Literal["end", "cancel"]
TOLD: dict[Final, str] = {"end": "session.ended", "cancel": "session.cancelled"}


async def edits_after(contest: Contest, step: Final, rounds: int) -> list[str]:
    """What is wrong after an edit and a last step at once: an edit after the step, or an answer that is not what happened."""
    return [wrong for number in range(rounds) for wrong in await edit_meets(contest, step, edit_first=number % 2 == 0)]


async def edit_meets(contest: Contest, step: Final, *, edit_first: bool) -> list[str]:
    session = await contest.tenant.session(contest.http)
    if step == "end":
        await contest.tenant.step(contest.http, session, "start")
    edit = contest.tenant.patch(contest.http, session, {"title": "In time"})
    last = contest.tenant.step(contest.http, session, step)
    if edit_first:
        edited, stepped = await at_once(edit, last)
    else:
        stepped, edited = await at_once(last, edit)
    assert stepped.status_code == 200, stepped.text
    actions = [change.action for change in await contest.changes(session)]
    wrong = [f"{actions} though the step is the last"] if actions[-1] != TOLD[step] else []
    if (edited.status_code, "session.updated" in actions) not in {(200, True), (412, False)}:
        wrong.append(f"{edited.status_code} and {actions}")
    return wrong


async def starts_at_once(contest: Contest) -> tuple[Json, int]:
    """A session that two start at once, and how many changes that is."""
    session = await contest.tenant.session(contest.http)
    answers = await at_once(*(contest.tenant.step(contest.http, session, "start") for _ in range(2)))
    assert statuses(answers) == [200, 200]
    return session, len(await contest.changes(session)) - 1


async def sessions_by_one_key(contest: Contest, requests: int) -> int:
    """How many sessions come of requests at once that are the same and carry the same Idempotency-Key."""
    before = await contest.sessions()
    headers = contest.tenant.bearer(Idempotency_Key=f"key {before}")
    answers = await at_once(
        *(
            contest.http.post("/v1/sessions", json=contest.tenant.wanted(), headers=headers)
            for _ in range(requests)
        )
    )  # fmt: skip
    assert set(statuses(answers)) <= {201, 409}
    return await contest.sessions() - before


@pytest.mark.parametrize("step", ["end", "cancel"])
async def test_an_edit_is_before_the_last_step_or_is_refused(contest: Contest, step: Final) -> None:
    assert await edits_after(contest, step, ROUNDS) == []


@pytest.mark.parametrize("step", ["end", "cancel"])
async def test_an_edit_is_before_the_last_step_or_is_refused_in_a_wide_window(wide: Contest, step: Final) -> None:
    assert await edits_after(wide, step, WIDE_ROUNDS) == []


@pytest.mark.parametrize("step", ["end", "cancel"])
async def test_without_the_lock_an_edit_falls_after_the_last_step(unlocked: Contest, step: Final) -> None:
    assert await shown(lambda: edits_after(unlocked, step, 2), bool)


async def test_two_starts_at_once_have_one_effect(contest: Contest) -> None:
    for _ in range(ROUNDS):
        session, changes = await starts_at_once(contest)
        assert changes == 1
    assert await contest.events(session) == ["live.session.created.v1", "live.session.started.v1"]


async def test_two_starts_at_once_have_one_effect_in_a_wide_window(wide: Contest) -> None:
    assert [(await starts_at_once(wide))[1] for _ in range(WIDE_ROUNDS)] == [1] * WIDE_ROUNDS


async def test_without_the_lock_two_starts_have_two_effects(unlocked: Contest) -> None:
    assert await shown(lambda: starts_at_once(unlocked), lambda started: started[1] == 2)


@pytest.mark.parametrize("step", ["end", "cancel"])
async def test_a_start_and_a_last_step_at_once_leave_a_life_that_can_be_told(contest: Contest, step: Final) -> None:
    for _ in range(ROUNDS):
        session = await contest.tenant.session(contest.http)
        await at_once(*(contest.tenant.step(contest.http, session, verb) for verb in ("start", step)))
        lived = tuple(change.action for change in await contest.changes(session))
        assert lived in {
            ("session.created", "session.started"),
            ("session.created", "session.started", "session.ended"),
            ("session.created", "session.cancelled"),
        }


async def test_one_idempotency_key_at_once_makes_one_session(contest: Contest) -> None:
    assert [await sessions_by_one_key(contest, 4) for _ in range(ROUNDS)] == [1] * ROUNDS


async def test_one_idempotency_key_at_once_makes_one_session_in_a_wide_window(wide: Contest) -> None:
    assert [await sessions_by_one_key(wide, 4) for _ in range(WIDE_ROUNDS)] == [1] * WIDE_ROUNDS


async def test_without_the_lock_one_idempotency_key_makes_several_sessions(unlocked: Contest) -> None:
    assert await shown(lambda: sessions_by_one_key(unlocked, 4), lambda made: made > 1)


async def test_who_comes_second_with_a_key_is_told_to_come_again_or_hears_the_first_answer(wide: Contest) -> None:
    headers = wide.tenant.bearer(Idempotency_Key="the same")
    answers = await at_once(*(wide.http.post("/v1/sessions", json=wide.tenant.wanted(), headers=headers) for _ in range(4)))
    [first] = [answer for answer in answers if answer.status_code == 201 and "idempotency-replayed" not in answer.headers]
    for answer in answers:
        if answer.status_code == 409:
            assert (answer.json()["error"], answer.headers["retry-after"]) == ("conflict", "1")
        else:
            assert answer.json() == first.json()


async def test_who_comes_again_with_a_key_hears_the_first_answer(wide: Contest) -> None:
    headers = wide.tenant.bearer(Idempotency_Key="the same")
    body = wide.tenant.wanted()
    answers = await at_once(*(wide.http.post("/v1/sessions", json=body, headers=headers) for _ in range(4)))
    again = await wide.http.post("/v1/sessions", json=body, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() in [answer.json() for answer in answers if answer.status_code == 201]

"""How many questions of one person may be pending or approved at a time."""

import httpx
import pytest

from greenroom.questions.schemas import QuestionStatus
from tests.postgres import Owner
from tests.questions.forum import Forum, forum, questions_of
from tests.registrations.people import answered
from tests.session_settings.said import brand_says
from tests.tenant import Json, Tenant
from tests.wire import assert_refused


async def full(there: Forum, most: int, user: str = "anna") -> list[Json]:
    """So many questions of one person, after which there is no room for another."""
    questions = [await there.asked(user, f"Why {number}?") for number in range(most)]
    assert_refused(await there.ask(user), "at_capacity")
    return questions


async def test_five_are_open_and_a_sixth_is_refused_and_kept_nowhere(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    await full(there, 5)
    assert await questions_of(owner, there) == [("anna", "pending", 0)] * 5


async def test_the_refusal_says_that_questions_are_meant_and_not_seats(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, open_questions=0)
    assert_refused(await there.ask("anna"), "at_capacity", names="open questions")


async def test_everybody_has_as_many(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    await full(there, 5, "anna")
    await full(there, 5, "Anna")


async def test_every_session_has_as_many(http: httpx.AsyncClient, tenant: Tenant) -> None:
    one, other = await forum(http, tenant), await forum(http, tenant)
    await full(one, 5)
    await full(other, 5)


@pytest.mark.parametrize(("user", "scope"), [("host_1", "write:live"), ("manager", "manage:live")])
async def test_moderators_have_no_more_than_others(http: httpx.AsyncClient, tenant: Tenant, user: str, scope: str) -> None:
    there = await forum(http, tenant, open_questions=1)
    answered(await there.ask(user, scope=scope), 201)
    assert_refused(await there.ask(user, scope=scope), "at_capacity")


@pytest.mark.parametrize("most", [0, 1, 7, 7.0])
async def test_the_session_says_how_many(http: httpx.AsyncClient, tenant: Tenant, most: float) -> None:
    await full(await forum(http, tenant, open_questions=most), int(most))


async def test_the_brand_says_how_many_where_the_session_does_not(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await brand_says(http, tenant, open_questions=1)
    await full(await forum(http, tenant), 1)
    await full(await forum(http, tenant, open_questions=2), 2)


async def test_raising_it_makes_room(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, open_questions=1)
    await full(there, 1)
    await there.says(open_questions=2)
    await full(there, 1)


async def test_lowering_it_closes_no_question(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    questions = await full(there, 5)
    await there.says(open_questions=3)
    for question in questions[:2]:
        answered(await there.moderate(question, "dismissed"), 200)
    assert_refused(await there.ask("anna"), "at_capacity")
    assert [status for _, status, _ in await questions_of(owner, there)] == ["dismissed"] * 2 + ["pending"] * 3


async def test_an_approved_question_is_open_still(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, open_questions=1)
    await there.question("anna")
    assert_refused(await there.ask("anna"), "at_capacity")


@pytest.mark.parametrize("status", ["dismissed", "answered"])
async def test_a_question_that_is_done_with_frees_one(http: httpx.AsyncClient, tenant: Tenant, status: QuestionStatus) -> None:
    there = await forum(http, tenant, open_questions=2)
    [first, _] = await full(there, 2)
    for step in {"dismissed": ["dismissed"], "answered": ["approved", "answered"]}[status]:
        answered(await there.moderate(first, step), 200)
    await full(there, 1)


async def test_a_question_that_was_taken_back_frees_one(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, open_questions=1)
    [question] = await full(there, 1)
    answered(await there.moderate(question, "dismissed", user="anna"), 200)
    await full(there, 1)


async def test_that_there_is_no_seat_is_told_before_that_there_are_too_many(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, starts=False, open_questions=0)
    assert_refused(await there.ask("anna"), "not_joinable")

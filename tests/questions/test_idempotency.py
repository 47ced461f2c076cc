"""Idempotency-Key of asking and of pinning: the first answer again, and never somebody else's."""

import asyncio

import httpx
import pytest

from greenroom.kit.idempotency import idempotency_key
from tests.postgres import Owner
from tests.questions.forum import Forum, audit_of, events_of, forum, questions_of
from tests.registrations.people import answered
from tests.registrations.test_idempotency import KEY, MISMATCH, kept_keys, was_replayed
from tests.tenant import Tenant
from tests.wire import assert_refused

UNKNOWN = {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}


async def test_asking_again_gets_the_first_answer(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    first, second = [await there.ask("anna", "Why?", Idempotency_Key=KEY) for _ in range(2)]
    assert [(answer.status_code, was_replayed(answer)) for answer in (first, second)] == [(201, False), (201, True)]
    assert second.content == first.content
    assert await questions_of(owner, there) == [("anna", "pending", 0)]
    assert len(await audit_of(owner, first.json())) == len(await events_of(owner, there)) == 1


async def test_without_a_key_the_same_words_are_another_question(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    first, second = [await there.asked("anna", "Why?") for _ in range(2)]
    assert first["id"] != second["id"]
    assert len(await questions_of(owner, there)) == 2


@pytest.mark.parametrize("body", ["\U0001f600" * 400, "<b>\\u0041\"'\n\u2028</b>", "\u202e\u200b"])
async def test_the_first_answer_has_every_character_of_the_question(http: httpx.AsyncClient, tenant: Tenant, body: str) -> None:
    there = await forum(http, tenant)
    first, second = [await there.ask("anna", body, Idempotency_Key=KEY) for _ in range(2)]
    assert was_replayed(second)
    assert second.content == first.content
    assert second.json()["body"] == body


async def test_a_key_with_another_question_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    await there.ask("anna", "Why?", Idempotency_Key=KEY)
    response = await there.ask("anna", "How?", Idempotency_Key=KEY)
    assert_refused(response, MISMATCH)
    assert not was_replayed(response)
    assert len(await questions_of(owner, there)) == 1


async def test_a_key_is_of_one_person_and_one_session(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    here, there = await forum(http, tenant), await forum(http, tenant)
    answers = [await where.ask(who, Idempotency_Key=KEY) for where, who in ((here, "anna"), (here, "ben"), (there, "anna"))]
    assert [(answer.status_code, was_replayed(answer)) for answer in answers] == [(201, False)] * 3
    assert await questions_of(owner, here) == [("anna", "pending", 0), ("ben", "pending", 0)]


async def test_the_first_answer_comes_again_whatever_became_of_the_question(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    first = await there.ask("anna", Idempotency_Key=KEY)
    answered(await there.moderate(first.json(), "dismissed"), 200)
    await there.step("end")
    again = await there.ask("anna", Idempotency_Key=KEY)
    assert (again.status_code, again.content, was_replayed(again)) == (201, first.content, True)


async def test_the_first_answer_comes_again_though_there_is_no_room_for_another(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await forum(http, tenant, open_questions=1)
    first = await there.ask("anna", Idempotency_Key=KEY)
    assert_refused(await there.ask("anna"), "at_capacity")
    assert (await there.ask("anna", Idempotency_Key=KEY)).content == first.content


async def test_no_refusal_is_kept(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant, starts=False, open_questions=0)
    question = {"id": UNKNOWN["id"]}
    await there.enter("ben")
    refused = [
        await there.ask("anna", Idempotency_Key=KEY),
        await there.ask("ben", Idempotency_Key=KEY),
        await there.ask("anna", "", Idempotency_Key=KEY),
        await there.pin(question, Idempotency_Key=KEY),
        await Forum(http, tenant, UNKNOWN).ask("anna", Idempotency_Key=KEY),
    ]
    assert [response.status_code for response in refused] == [412, 412, 400, 404, 404]
    assert await kept_keys(owner, tenant) == 0
    await there.says(open_questions=1)
    answered(await there.ask("ben", "Now?", Idempotency_Key=KEY), 201)


async def test_a_question_that_is_still_being_asked_is_not_asked_again(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    path = f"{there.path}/questions"
    running = idempotency_key(KEY, brand=tenant.brand, client="test", subject="anna", method="POST", path=path, body=b"")
    assert running is not None
    await owner.execute("select pg_advisory_lock($1)", running.lock)
    response = await there.ask("anna", Idempotency_Key=KEY)
    assert_refused(response, "conflict")
    assert int(response.headers["retry-after"]) >= 1
    assert await questions_of(owner, there) == []
    await owner.execute("select pg_advisory_unlock($1)", running.lock)
    answered(await there.ask("anna", Idempotency_Key=KEY), 201)


async def test_the_same_question_at_the_same_moment_is_one(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    answers = await asyncio.gather(*(there.ask("anna", Idempotency_Key=KEY) for _ in range(8)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in made}) == 1
    assert await questions_of(owner, there) == [("anna", "pending", 0)]


async def test_pinning_again_gets_the_first_answer_and_pins_nothing(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question, other = await there.question("anna"), await there.question("ben")
    first = await there.pin(question, Idempotency_Key=KEY)
    answered(await there.pin(other), 200)
    again = await there.pin(question, Idempotency_Key=KEY)
    assert [was_replayed(answer) for answer in (first, again)] == [False, True]
    assert (again.status_code, again.content) == (200, first.content)
    assert [one["id"] for one in (await there.page())["questions"] if one["is_pinned"]] == [other["id"]]
    assert len(await audit_of(owner, question)) == 4


async def test_a_key_of_one_pin_is_none_of_another(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    questions = [await there.question("anna"), await there.question("ben")]
    pinned = [await there.pin(question, Idempotency_Key=KEY) for question in questions]
    assert [was_replayed(answer) for answer in pinned] == [False, False]
    assert [answer.json()["id"] for answer in pinned] == [question["id"] for question in questions]


async def test_a_key_with_another_body_of_a_pin_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answered(await there.pin(question, Idempotency_Key=KEY), 200)
    headers = tenant.bearer(Idempotency_Key=KEY)
    assert_refused(await http.post(f"{there.path_of(question)}/pin", content=b"x", headers=headers), MISMATCH)


async def test_who_moderates_no_longer_gets_the_first_answer_of_a_pin(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    answered(await http.put(f"{there.path}/co-hosts/host_2", headers=tenant.bearer()), 200)
    question = await there.question("anna")
    first = await there.pin(question, user="host_2", Idempotency_Key=KEY)
    answered(await http.delete(f"{there.path}/co-hosts/host_2", headers=tenant.bearer()), 200)
    again = await there.pin(question, user="host_2", Idempotency_Key=KEY)
    assert (again.status_code, again.content) == (200, first.content)

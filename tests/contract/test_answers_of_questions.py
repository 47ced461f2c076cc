"""Real answers of the operations of questions, against the contract's schemas and against our document."""

from uuid import uuid4

import httpx
import pytest

from tests.contract.test_answers import assert_as_promised
from tests.questions.forum import Forum, forum
from tests.tenant import Tenant

QUESTIONS = "/v1/sessions/{id}/questions"
ONE = f"{QUESTIONS}/{{question_id}}"
ASK = (QUESTIONS, "post")
LIST = (QUESTIONS, "get")
MODERATE = (ONE, "patch")
NOWHERE = {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}


@pytest.mark.parametrize("moderation", [True, False])
async def test_asked(http: httpx.AsyncClient, tenant: Tenant, moderation: bool) -> None:
    there = await forum(http, tenant, moderation=moderation)
    assert_as_promised(await there.ask("anna", "\U0001f600" * 400), *ASK, status=201)


async def test_not_asked(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, starts=False)
    assert_as_promised(await there.ask("anna", ""), *ASK, status=400)
    assert_as_promised(await http.post(f"{there.path}/questions", json={}), *ASK, status=401)
    assert_as_promised(await there.ask("anna", scope="read:live"), *ASK, status=403)
    assert_as_promised(await Forum(http, tenant, NOWHERE).ask("anna"), *ASK, status=404)
    assert_as_promised(await there.ask("anna"), *ASK, status=412)
    await there.enter("anna")
    await there.ask("anna", "Why?", Idempotency_Key="k")
    assert_as_promised(await there.ask("anna", "How?", Idempotency_Key="k"), *ASK, status=409)
    assert_as_promised(await there.ask("anna", "x" * 70_000), *ASK, status=413)
    assert_as_promised(await there.ask("anna", Content_Type="text/plain"), *ASK, status=415)


async def test_listed_and_not(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    for user in ("anna", "ben"):
        await there.question(user)
    await there.asked("anna")
    for user in ("host_1", "anna"):
        for limit in (1, 3):
            assert_as_promised(await there.list(user, limit=limit), *LIST, status=200)
    assert_as_promised(await there.list("host_1", sort="best"), *LIST, status=400)
    assert_as_promised(await there.list("anna", status="pending"), *LIST, status=403)
    assert_as_promised(await Forum(http, tenant, NOWHERE).list("anna"), *LIST, status=404)


async def test_moderated_and_not(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    assert_as_promised(await there.moderate(question, "open"), *MODERATE, status=400)
    assert_as_promised(await there.moderate(question, "approved", user="anna"), *MODERATE, status=403)
    assert_as_promised(await there.moderate(question, "approved"), *MODERATE, status=200)
    assert_as_promised(await there.moderate(question, "pending"), *MODERATE, status=412)
    assert_as_promised(await there.moderate({"id": str(uuid4())}, "approved"), *MODERATE, status=404)
    taken_back = await there.asked("anna")
    assert_as_promised(await there.moderate(taken_back, "dismissed", user="anna"), *MODERATE, status=200)


@pytest.mark.parametrize(("thing", "gives", "takes"), [("vote", "put", "delete"), ("pin", "post", "delete")])
async def test_a_vote_and_a_pin_given_taken_and_refused(
    *, http: httpx.AsyncClient, tenant: Tenant, thing: str, gives: str, takes: str
) -> None:
    there = await forum(http, tenant)
    question, pending = await there.question("anna"), await there.asked("anna")
    path = f"{ONE}/{thing}"
    for method in (gives, takes):
        answer = await http.request(method, f"{there.path_of(question)}/{thing}", headers=tenant.bearer())
        assert_as_promised(answer, path, method, status=200)
        nothing = await http.request(method, f"{there.path_of(NOWHERE)}/{thing}", headers=tenant.bearer())
        assert_as_promised(nothing, path, method, status=404)
    refused = await http.request(gives, f"{there.path_of(pending)}/{thing}", headers=tenant.bearer())
    assert_as_promised(refused, path, gives, status=412)

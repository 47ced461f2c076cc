"""What becomes of a question leaves one audit row and its event, and nowhere what was asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from greenroom.invariants import service as invariants
from greenroom.kit.database import Database
from greenroom.questions.schemas import QuestionStatus
from tests.postgres import Owner, TestDatabase
from tests.questions.forum import Done, Forum, audit_of, events_of, forum
from tests.registrations.people import Trace, answered
from tests.registrations.people import audit_of as registration_audit_of
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, id_of

REQUEST = "request-7"
BODY = f"{SENTINEL}: how long should one rest?"
UNKNOWN = {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}


async def traces(owner: Owner, tenant: Tenant) -> tuple[int, int, int]:
    """How many audit rows and events the brand has, and how many rows its questions."""
    audited = await owner.fetchval("select count(*) from audit_log where brand_id = $1", tenant.brand)
    told = await owner.fetchval("select count(*) from all_events_any_brand_v1() where brand_id = $1", tenant.brand)
    return audited, told, await owner.fetchval("select count(*) from questions where brand_id = $1", tenant.brand)


def told_of(question: Json, version: int, **fields: Any) -> Json:
    """The payload of an event, without the session's id."""
    return {"question_id": question["id"], "version": version, **fields}


@pytest.mark.parametrize(("moderation", "status"), [(True, "pending"), (False, "approved")])
async def test_a_question_asked_is_told_once(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, moderation: bool, status: str
) -> None:
    there = await forum(http, tenant, moderation=moderation)
    question = await there.asked("anna")
    assert await audit_of(owner, question) == [Done(1, "question.asked", [], "anna")]
    payload = told_of(question, 1, asker_user_id="anna", status=status, asked_at=question["asked_at"])
    assert await events_of(owner, there) == [("asked", payload)]


@pytest.mark.parametrize(("was", "status"), [
    ("pending", "approved"), ("pending", "dismissed"), ("approved", "answered"), ("approved", "dismissed"),
])  # fmt: skip
async def test_what_a_moderator_made_of_it_is_told_once(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, was: QuestionStatus, status: str
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", status=was)
    before = len(await audit_of(owner, question))
    moderated = answered(await there.moderate(question, status, user="manager", scope="manage:live"), 200)
    assert (await audit_of(owner, question))[before:] == [Done(before + 1, f"question.{status}", ["status"], "manager")]
    payload = told_of(question, before + 1, asker_user_id="anna", was=was, moderated_at=moderated["moderated_at"])
    assert (await events_of(owner, there))[before:] == [(status, payload)]


async def test_what_was_taken_back_is_told_once_and_as_moderated_by_nobody(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    answered(await there.moderate(question, "dismissed", user="anna"), 200)
    assert (await audit_of(owner, question))[1:] == [Done(2, "question.withdrawn", ["status"], "anna")]
    payload = told_of(question, 2, asker_user_id="anna", was="pending")
    assert (await events_of(owner, there))[1:] == [("dismissed", payload)]


async def test_a_pin_put_up_and_taken_down_is_told_once_each(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answered(await there.pin(question), 200)
    answered(await there.unpin(question), 200)
    assert (await audit_of(owner, question))[2:] == [
        Done(3, "question.pinned", ["is_pinned"], "host_1"), Done(4, "question.unpinned", ["is_pinned"], "host_1"),
    ]  # fmt: skip
    assert (await events_of(owner, there))[2:] == [("pinned", told_of(question, 3)), ("unpinned", told_of(question, 4))]


async def test_every_audit_row_says_which_request_of_which_client_it_was(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = answered(await there.ask("anna", X_Request_Id=REQUEST), 201)
    answered(await there.moderate(question, "approved", X_Request_Id=REQUEST), 200)
    answered(await there.pin(question, X_Request_Id=REQUEST), 200)
    answered(await there.unpin(question, X_Request_Id=REQUEST), 200)
    rows = await owner.fetch(
        "select entity, actor_client_id, request_id from audit_log where entity_id = $1 order by entity_version",
        id_of(question),
    )
    assert [tuple(row) for row in rows] == [("question", "test", REQUEST)] * 4


async def test_audit_and_event_of_a_change_are_of_one_moment_and_of_the_sessions_version(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answered(await there.pin(question), 200)
    answered(await there.moderate(question, "dismissed"), 200)
    rows = await owner.fetch(
        "select a.occurred_at as audited, e.occurred_at as told, e.session_version from audit_log a"
        " join all_events_any_brand_v1() e on e.payload ->> 'question_id' = a.entity_id::text"
        " and (e.payload ->> 'version')::integer = a.entity_version where a.entity = 'question' and a.brand_id = $1",
        tenant.brand,
    )
    assert len(rows) == 5
    assert all(row["audited"] == row["told"] for row in rows)
    assert {row["session_version"] for row in rows} == {2}


async def test_no_two_events_share_an_id(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    one, other = await there.question("anna"), await there.question("ben")
    for question in (one, other):
        answered(await there.pin(question), 200)
        await there.voted(question, "cid")
    answered(await there.moderate(other, "dismissed"), 200)
    ids = await owner.fetch(
        "select id from all_events_any_brand_v1() where session_id = $1 and name like 'live.question.%'",
        id_of(there.session),
    )
    assert len(ids) == len({row["id"] for row in ids}) == 2 * 4 + 1 + 2
    assert {row["id"].version for row in ids} == {7}


async def test_what_is_refused_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant, open_questions=2)
    approved, pending = await there.question("anna"), await there.asked("anna")
    before = await traces(owner, tenant)
    refused = [
        await there.ask("anna"),
        await there.ask("anna", ""),
        await there.moderate(approved, "pending"),
        await there.moderate(approved, "dismissed", user="anna"),
        await there.moderate(pending, "approved", user="ben"),
        await there.moderate(UNKNOWN, "approved"),
        await there.vote(pending, "anna"),
        await there.vote(pending, "ben"),
        await there.take_back(UNKNOWN, "ben"),
        await there.pin(pending),
        await there.pin(approved, user="ben"),
        await there.unpin(approved, user="ben"),
        await there.unpin(UNKNOWN),
    ]
    assert [response.status_code for response in refused] == [
        412, 400, 412, 403, 404, 404, 412, 404, 404, 412, 403, 403, 404,
    ]  # fmt: skip
    assert await traces(owner, tenant) == before


async def test_reading_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    await there.question("anna")
    before = await traces(owner, tenant)
    for user in ("host_1", "anna", "zoe"):
        await there.page(user)
    assert await traces(owner, tenant) == before


async def test_no_registration_is_touched_by_what_its_owner_asks(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    registration = answered(await there.register("anna", X_Request_Id=REQUEST), 201)
    question = await there.question("anna")
    await there.voted(question, "anna")
    assert await registration_audit_of(owner, registration) == [Trace(1, "registration.created", "anna", "test", REQUEST)]


async def everything(there: Forum, user: str = "anna") -> None:
    """All that can happen to a question, and what is refused of it."""
    question = answered(await there.ask(user, BODY, Idempotency_Key=SENTINEL), 201)
    answered(await there.ask(user, BODY, Idempotency_Key=SENTINEL), 201)
    assert_refused(await there.ask(user, f"{BODY}?", Idempotency_Key=SENTINEL), "idempotency_key_payload_mismatch")
    assert (await there.ask(user, BODY * 20)).status_code == 400
    taken_back = answered(await there.ask(user, BODY), 201)
    answered(await there.moderate(taken_back, "dismissed", user=user), 200)
    answered(await there.moderate(question, "approved"), 200)
    assert (await there.moderate(question, SENTINEL)).status_code == 400
    await there.voted(question, "ben")
    answered(await there.pin(question), 200)
    for reader in ("host_1", user, "zoe"):
        await there.page(reader)
    answered(await there.moderate(question, "dismissed"), 200)


async def test_no_event_or_audit_row_holds_what_was_asked(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    await everything(there)
    audit = await owner.fetch("select * from audit_log where brand_id = $1", tenant.brand)
    events = await owner.fetch("select *, payload::text from all_events_any_brand_v1() where brand_id = $1", tenant.brand)
    assert len(audit) > 6
    assert len(events) > 7
    assert SENTINEL not in "\n".join(str(dict(row)) for row in [*audit, *events])


@pytest.fixture
def talkative(database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server of its own that logs all it ever logs."""
    with running_server(database, tmp_path, settings={"GREENROOM_LOG_LEVEL": "debug"}) as running:
        yield running


async def test_no_log_line_holds_what_was_asked_or_by_whom(talkative: Server, tenant: Tenant) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=talkative.url, timeout=30) as http:
        there = await forum(http, tenant)
        await everything(there, f"user-{SENTINEL}")
    assert talkative.stop() == 0
    log = talkative.log_text()
    assert log.count('"event":"request"') >= 15
    for hidden in (SENTINEL, "how long should one rest", there.session["id"]):
        assert hidden not in log


async def test_after_all_that_the_promises_hold(http: httpx.AsyncClient, tenant: Tenant, db: Database, owner: Owner) -> None:
    there = await forum(http, tenant)
    await everything(there)
    question = await there.question("anna")
    await there.voted(question, "ben", "cid", "ben")
    answered(await there.pin(question), 200)
    assert len(await events_of(owner, there)) > 7
    findings = [it for it in await invariants.check(db) if "question" in it.promise or "vote" in it.promise]
    assert [finding.examples for finding in findings] == [[]] * 3

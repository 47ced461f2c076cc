"""What a request about questions may not say: told as 400, 404, 413 or 415 in the contract's form, and without effect."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.postgres import Owner
from tests.questions.forum import Forum, forum, questions_of
from tests.registrations.people import answered
from tests.server import Server
from tests.sessions.faults import WRONG_TEXTS, named, text
from tests.sessions.test_bad_input import BODY_OCTETS, UNREAD
from tests.sessions.test_bad_paths_and_headers import BAD_IDS, UNKNOWN
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, authorized, body_with, exchange, request_of

FACE = "\U0001f600"
BODIES = [
    *WRONG_TEXTS, text(401), text(5000), f'"{FACE * 401}"', '"' + "\\ud83d\\ude00" * 401 + '"', '"' + "e\u0301" * 200 + 'x"',
    '"\\u0000"', '"a\\u0000b"', "1e999", "0.5", "false",
]  # fmt: skip
STATUSES = [*WRONG_TEXTS, text(10_001), '"Approved"', '"approved "', '"withdrawn"', '"removed"', "1e999", '["approved"]']

ON_A_QUESTION = [("PATCH", ""), ("PUT", "/vote"), ("DELETE", "/vote"), ("POST", "/pin"), ("DELETE", "/pin")]


async def ask_with(there: Forum, body: bytes | AsyncIterator[bytes], *, media_type: str = "application/json") -> httpx.Response:
    headers = there.tenant.bearer("anna", Content_Type=media_type)
    return await there.http.post(f"{there.path}/questions", content=body, headers=headers)


async def moderate_with(there: Forum, question: Json, body: bytes, *, media_type: str = "application/json") -> httpx.Response:
    headers = there.tenant.bearer(Content_Type=media_type)
    return await there.http.patch(there.path_of(question), content=body, headers=headers)


async def assert_only_pending(owner: Owner, there: Forum) -> None:
    """The one question that there is has not been touched."""
    assert await questions_of(owner, there) == [("anna", "pending", 0)]


@pytest.mark.parametrize("fault", BODIES, ids=named)
async def test_a_bad_body_of_a_question_is_refused_by_its_name(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, fault: str
) -> None:
    there = await forum(http, tenant)
    response = await ask_with(there, body_with({}, body=fault))
    assert_refused(response, "validation_error", names="body: expected", never=[fault] if len(fault) > 8 else [])
    assert await questions_of(owner, there) == []


async def test_a_question_says_something(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await ask_with(await forum(http, tenant), b"{}"), "validation_error", names="body is required")


@pytest.mark.parametrize("fault", STATUSES, ids=named)
async def test_a_bad_status_is_refused_by_its_name(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, fault: str) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    response = await moderate_with(there, question, body_with({}, status=fault))
    assert_refused(response, "validation_error", names="status: expected", never=[fault] if len(fault) > 8 else [])
    await assert_only_pending(owner, there)


@pytest.mark.parametrize("body", UNREAD, ids=named)
async def test_what_is_no_json_object_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: bytes) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    assert_refused(await ask_with(there, body), "validation_error", names="body")
    assert_refused(await moderate_with(there, question, body), "validation_error", names="body")
    await assert_only_pending(owner, there)


@pytest.mark.parametrize("body", [b'{"body":"Why?","unknown":1e999}', b'{"body":"Why?","status":"approved","id":[[{}]]}'])
async def test_an_unknown_field_is_ignored_whatever_it_holds(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    question = answered(await ask_with(await forum(http, tenant), body), 201)
    assert (question["body"], question["status"]) == ("Why?", "pending")


async def test_nobody_asks_in_the_name_of_another(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    answered(await ask_with(there, b'{"body":"Why?","asker_user_id":"ben","user_id":"ben","vote_count":9}'), 201)
    await assert_only_pending(owner, there)


async def test_of_duplicate_keys_the_last_wins(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = answered(await ask_with(there, b'{"body":"first","body":"last"}'), 201)
    assert question["body"] == "last"
    moderated = await moderate_with(there, question, b'{"status":"approved","status":"dismissed"}')
    assert answered(moderated, 200)["status"] == "dismissed"


async def test_a_body_of_64_kib_is_read_and_one_octet_more_is_not(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    said = b'{"body":"Why?"}'
    question = answered(await ask_with(there, said.ljust(BODY_OCTETS)), 201)
    assert_refused(await ask_with(there, said.ljust(BODY_OCTETS + 1)), "payload_too_large")
    assert_refused(await moderate_with(there, question, b'{"status":"approved"}'.ljust(BODY_OCTETS + 1)), "payload_too_large")
    await assert_only_pending(owner, there)


async def test_a_body_over_64_kib_is_refused_as_it_comes_in_chunks(http: httpx.AsyncClient, tenant: Tenant) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1024
        yield b'{"body":"Why?"}'

    response = await ask_with(await forum(http, tenant), chunks())
    assert "content-length" not in response.request.headers
    assert_refused(response, "payload_too_large")


async def test_a_body_that_pinning_does_not_read_may_not_be_too_large_either(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question()
    response = await http.post(f"{there.path_of(question)}/pin", content=b" " * (BODY_OCTETS + 1), headers=tenant.bearer())
    assert_refused(response, "payload_too_large")
    seen = await there.seen(question)
    assert seen is not None
    assert not seen["is_pinned"]


@pytest.mark.parametrize("media_type", [
    "text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", "json", "", f"text/{SENTINEL}",
])  # fmt: skip
async def test_a_body_of_another_type_is_refused(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, media_type: str
) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    asked = await ask_with(there, b'{"body":"Why?"}', media_type=media_type)
    moderated = await moderate_with(there, question, b'{"status":"approved"}', media_type=media_type)
    for response in (asked, moderated):
        assert_refused(response, "unsupported_media_type", names="Content-Type")
    await assert_only_pending(owner, there)


@pytest.mark.parametrize("path_id", BAD_IDS, ids=lambda path_id: ascii(path_id)[:40])
@pytest.mark.parametrize(("method", "path"), [
    ("POST", "questions"), ("GET", "questions"), *((method, f"questions/{UNKNOWN}{end}") for method, end in ON_A_QUESTION),
])  # fmt: skip
async def test_an_id_that_can_be_no_sessions_is_not_found(
    *, server: Server, tenant: Tenant, method: str, path: str, path_id: str
) -> None:
    headers = authorized(tenant, ("Content-Type", b"application/json"))
    said = b'{"body":"Why?","status":"approved"}'
    target = f"/v1/sessions/{path_id}/{path}".encode()
    response = await exchange(server, request_of(method, target, headers, None if method == "GET" else said))
    assert_refused(response, "not_found", never=[path_id] if len(path_id) > 4 else [])


@pytest.mark.parametrize("path_id", [*BAD_IDS, UNKNOWN, "00000000-0000-0000-0000-000000000000"],
                         ids=lambda path_id: ascii(path_id)[:40])  # fmt: skip
async def test_an_id_that_can_be_no_questions_is_not_found(
    server: Server, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, path_id: str
) -> None:
    there = await forum(http, tenant)
    await there.asked("anna")
    headers = authorized(tenant, ("Content-Type", b"application/json"))
    for method, end in ON_A_QUESTION:
        target = f"{there.path}/questions/{path_id}{end}".encode()
        response = await exchange(server, request_of(method, target, headers, b'{"status":"approved"}'))
        assert_refused(response, "not_found")
    await assert_only_pending(owner, there)


@pytest.mark.parametrize("form", ["{%s}", "urn:uuid:%s", "%s%%00", "%s%%0A", "%%20%s"])
async def test_the_id_of_a_question_in_another_form_is_not_found(
    *, server: Server, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, form: str
) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    target = f"{there.path}/questions/{form % question['id']}".encode()
    headers = authorized(tenant, ("Content-Type", b"application/json"))
    assert_refused(await exchange(server, request_of("PATCH", target, headers, b'{"status":"approved"}')), "not_found")
    await assert_only_pending(owner, there)


async def test_the_id_of_a_question_may_be_in_capitals(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    shouted = {"id": question["id"].upper()}
    assert answered(await there.moderate(shouted, "approved"), 200)["id"] == question["id"]
    assert answered(await there.vote(shouted), 200)["question_id"] == question["id"]


@pytest.mark.parametrize(("method", "end"), ON_A_QUESTION)
async def test_a_question_of_another_session_is_not_found_in_this_one(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, method: str, end: str
) -> None:
    here, there = await forum(http, tenant), await forum(http, tenant)
    question = await there.question("anna")
    body = {"status": "dismissed"} if method == "PATCH" else None
    response = await http.request(method, f"{here.path_of(question)}{end}", json=body, headers=tenant.bearer())
    assert_refused(response, "not_found")
    assert await questions_of(owner, there) == [("anna", "approved", 0)]


@pytest.mark.parametrize("key", ["", "x" * 129, "x" * 10_000])
async def test_a_key_of_no_or_too_many_characters_is_refused(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, key: str
) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    asked = await there.ask("anna", Idempotency_Key=key)
    pinned = await there.pin(question, Idempotency_Key=key)
    for response in (asked, pinned):
        assert_refused(response, "validation_error", names="Idempotency-Key")
    await assert_only_pending(owner, there)


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("DELETE", "questions", "GET, HEAD, OPTIONS, POST"),
    ("GET", f"questions/{UNKNOWN}", "OPTIONS, PATCH"),
    ("POST", f"questions/{UNKNOWN}/vote", "DELETE, OPTIONS, PUT"),
    ("PUT", f"questions/{UNKNOWN}/pin", "DELETE, OPTIONS, POST"),
])  # fmt: skip
async def test_a_wrong_method_is_told_with_those_that_there_are(
    *, http: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    response = await http.request(method, f"/v1/sessions/{UNKNOWN}/{path}")
    assert_refused(response, "method_not_allowed")
    assert response.headers["allow"] == allowed


async def test_a_bad_body_is_told_before_the_unknown_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    nowhere = Forum(http, tenant, {"id": UNKNOWN})
    assert_refused(await nowhere.ask("anna", ""), "validation_error")
    assert_refused(await nowhere.moderate({"id": UNKNOWN}, "open"), "validation_error")

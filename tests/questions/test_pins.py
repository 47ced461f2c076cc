"""POST and DELETE /v1/sessions/{id}/questions/{question_id}/pin: one question of a session stands above all others."""

import httpx
import pytest

from greenroom.kit.ids import BrandId
from greenroom.questions.schemas import QuestionStatus
from tests.permissions.asking import Asker
from tests.postgres import Owner
from tests.questions.forum import Done, Forum, audit_of, events_of, forum
from tests.registrations.people import answered
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of

UNKNOWN = {"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}
both = pytest.mark.parametrize("act", ["pin", "unpin"])


async def act_on(there: Forum, act: str, question: Json, *, user: str = "host_1", scope: str = "write:live") -> httpx.Response:
    done = there.pin if act == "pin" else there.unpin
    return await done(question, user=user, scope=scope)


async def pinned(owner: Owner, there: Forum) -> str | None:
    """The session's pinned question, which is the one that everybody is shown as such."""
    column = await owner.fetchval("select pinned_question_id from sessions where id = $1", id_of(there.session))
    for user in ("host_1", "zoe"):
        shown = [one["id"] for one in (await there.page(user, limit=100))["questions"] if one["is_pinned"]]
        assert shown == ([] if column is None else [str(column)])
    return None if column is None else str(column)


async def told(owner: Owner, there: Forum) -> list[tuple[str, str, int]]:
    """What was told of pins: which question, and its version."""
    return [
        (name, payload["question_id"], payload["version"])
        for name, payload in await events_of(owner, there)
        if name in {"pinned", "unpinned", "dismissed"}
    ]


@pytest.mark.parametrize("status", ["approved", "answered"])
async def test_a_pinned_question_is_shown_as_such(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, status: QuestionStatus
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", status=status)
    await there.question("anna", status=status)
    response = await there.pin(question)
    assert answered(response, 200) == {**question, "is_pinned": True}
    assert response.headers["cache-control"] == "private, no-cache"
    assert await pinned(owner, there) == question["id"]


async def test_the_answer_shows_the_moderators_own_vote(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "host_1", "ben")
    done = answered(await there.pin(question), 200)
    assert (done["vote_count"], done["has_voted"]) == (2, True)


async def test_the_next_one_takes_its_place(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    first, second = await there.question("anna"), await there.question("ben")
    for question in (first, second):
        answered(await there.pin(question), 200)
    assert await pinned(owner, there) == second["id"]
    assert await told(owner, there) == [
        ("pinned", first["id"], 3), ("unpinned", first["id"], 4), ("pinned", second["id"], 3),
    ]  # fmt: skip
    assert (await audit_of(owner, first))[2:] == [
        Done(3, "question.pinned", ["is_pinned"], "host_1"), Done(4, "question.unpinned", ["is_pinned"], "host_1"),
    ]  # fmt: skip


async def test_a_question_is_taken_down(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answered(await there.pin(question), 200)
    assert answered(await there.unpin(question), 200) == {**question, "is_pinned": False}
    assert await pinned(owner, there) is None
    assert await told(owner, there) == [("pinned", question["id"], 3), ("unpinned", question["id"], 4)]


async def test_twice_is_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    for act in (there.pin, there.unpin):
        first, second = await act(question), await act(question)
        assert (first.status_code, first.content) == (second.status_code, second.content)
    assert [name for name, *_ in await told(owner, there)] == ["pinned", "unpinned"]
    assert len(await audit_of(owner, question)) == 4


async def test_taking_down_what_is_not_up_leaves_what_is(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    up, other = await there.question("anna"), await there.question("ben")
    answered(await there.pin(up), 200)
    assert answered(await there.unpin(other), 200)["is_pinned"] is False
    assert await pinned(owner, there) == up["id"]
    assert len(await audit_of(owner, other)) == 2


async def test_what_is_dismissed_is_pinned_no_longer(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answered(await there.pin(question), 200)
    assert answered(await there.moderate(question, "dismissed"), 200)["is_pinned"] is False
    assert await pinned(owner, there) is None
    assert await told(owner, there) == [
        ("pinned", question["id"], 3), ("dismissed", question["id"], 4), ("unpinned", question["id"], 4),
    ]  # fmt: skip
    assert [done.action for done in await audit_of(owner, question)][2:] == ["question.pinned", "question.dismissed"]


async def test_dismissing_another_leaves_the_pin(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question, other = await there.question("anna"), await there.question("ben")
    answered(await there.pin(question), 200)
    answered(await there.moderate(other, "dismissed"), 200)
    assert await pinned(owner, there) == question["id"]


async def test_what_is_answered_stays_pinned(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answered(await there.pin(question), 200)
    assert answered(await there.moderate(question, "answered"), 200)["is_pinned"] is True
    assert await pinned(owner, there) == question["id"]


@pytest.mark.parametrize("status", ["pending", "dismissed"])
async def test_what_not_everybody_sees_is_not_pinned(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, status: QuestionStatus
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", status=status)
    assert_refused(await there.pin(question), "invalid_status")
    assert await pinned(owner, there) is None
    assert await told(owner, there) == ([] if status == "pending" else [("dismissed", question["id"], 2)])


@both
@pytest.mark.parametrize(("user", "scope"), [("host_1", "write:live"), ("host_2", "write:live"), ("x", "manage:live")])
async def test_moderators_pin_and_unpin(*, http: httpx.AsyncClient, tenant: Tenant, act: str, user: str, scope: str) -> None:
    there = await forum(http, tenant, seats=1, starts=False)
    await there.everybody()
    question = await there.question("anna")
    response = await act_on(there, act, question, user=user, scope=scope)
    assert answered(response, 200)["is_pinned"] is (act == "pin")


@both
@pytest.mark.parametrize("user", ["anna", "ben", "zoe", "rosa"])
async def test_nobody_else_does(*, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, act: str, user: str) -> None:
    there = await forum(http, tenant, seats=1, starts=False)
    await there.everybody()
    up = await there.question("anna")
    pending = await there.asked("anna")
    answered(await there.pin(up), 200)
    question = up if act == "unpin" else await there.question("anna")
    assert_refused(await act_on(there, act, question, user=user), "forbidden")
    assert_refused(await act_on(there, act, pending, user=user), "forbidden" if user == "anna" else "not_found")
    assert_refused(await act_on(there, act, UNKNOWN, user=user), "not_found")
    assert await pinned(owner, there) == up["id"]


@both
@pytest.mark.parametrize(("session", "may"), [("scheduled", True), ("live", True), ("ended", False), ("cancelled", False)])
async def test_it_is_for_a_session_that_is_not_over(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, act: str, session: str, may: bool
) -> None:
    there = await forum(http, tenant, seats=1, starts=False)
    await there.everybody()
    up, other = await there.question("anna"), await there.question("anna")
    answered(await there.pin(up), 200)
    await there.comes_to(session)
    response = await act_on(there, act, up if act == "unpin" else other)
    if may:
        answered(response, 200)
        assert await pinned(owner, there) == (None if act == "unpin" else other["id"])
    else:
        assert_refused(response, "invalid_status")
        assert await pinned(owner, there) == up["id"]


async def test_dismissing_takes_down_what_is_pinned_though_the_session_is_over(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answered(await there.pin(question), 200)
    await there.step("end")
    answered(await there.moderate(question, "dismissed"), 200)
    assert await pinned(owner, there) is None


@both
async def test_who_may_not_is_told_before_that_the_session_is_over(http: httpx.AsyncClient, tenant: Tenant, act: str) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.step("end")
    assert_refused(await act_on(there, act, question, user="ben"), "forbidden")
    assert_refused(await act_on(there, act, UNKNOWN), "not_found")


async def test_two_sessions_have_a_pin_each(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    one, other = await forum(http, tenant), await forum(http, tenant)
    here, there = await one.question("anna"), await other.question("anna")
    answered(await one.pin(here), 200)
    answered(await other.pin(there), 200)
    assert (await pinned(owner, one), await pinned(owner, other)) == (here["id"], there["id"])


@both
async def test_nobody_of_another_brand_pins_or_unpins(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, act: str) -> None:
    there = await forum(http, tenant)
    up, other = await there.question("anna"), await there.question("anna")
    answered(await there.pin(up), 200)
    elsewhere = Forum(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    for scope in ("write:live", "admin:live"):
        assert_refused(await act_on(elsewhere, act, up if act == "unpin" else other, scope=scope), "not_found")
    assert await pinned(owner, there) == up["id"]


async def test_an_operator_without_a_brand_pins_in_the_sessions_own(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    operator = Asker(scope="admin:*", brand=None).headers("operators")
    answered(await http.post(f"{there.path_of(question)}/pin", headers=operator), 200)
    assert await pinned(owner, there) == question["id"]


@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
async def test_pinning_reads_no_body(http: httpx.AsyncClient, tenant: Tenant, body: bytes, media_type: str) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    headers = tenant.bearer(Content_Type=media_type)
    answered(await http.post(f"{there.path_of(question)}/pin", content=body, headers=headers), 200)


@both
async def test_reading_alone_is_not_enough_to_pin(http: httpx.AsyncClient, tenant: Tenant, act: str) -> None:
    there = await forum(http, tenant)
    response = await act_on(there, act, await there.question("anna"), scope="read:live")
    assert_refused(response, "insufficient_scope")


async def test_pinning_moves_neither_the_session_nor_its_tag(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    before = await there.read()
    answered(await there.pin(question), 200)
    after = await there.read()
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])

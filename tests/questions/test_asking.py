"""POST /v1/sessions/{id}/questions: what is answered, and who may ask when."""

from uuid import UUID

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.contract.schemas import CONTRACT, answer_schema, faults_in, operations
from tests.permissions.asking import USERS, Asker
from tests.postgres import Owner
from tests.questions.forum import Forum, forum, questions_of
from tests.registrations.people import answered
from tests.session_settings.said import brand_says
from tests.tenant import Tenant
from tests.wire import assert_refused

ASK_OF_CONTRACT = operations(CONTRACT)["/v1/sessions/{id}/questions", "post"]

# In a session of one seat, which anna has; ben stands in line. What each is told who asks, by the session's status.
ONE_SEAT: dict[str, dict[str, str]] = {
    "scheduled": {"host_1": "", "host_2": "", "manager": "", "anna": "",
                  "ben": "not_joinable", "zoe": "not_joinable", "rosa": "forbidden"},
    "live": {"host_1": "", "host_2": "", "manager": "", "anna": "",
             "ben": "at_capacity", "zoe": "at_capacity", "rosa": "forbidden"},
    "ended": {**dict.fromkeys(("host_1", "host_2", "manager", "anna", "ben", "zoe"), "invalid_status"), "rosa": "forbidden"},
    "cancelled": {
        **dict.fromkeys(("host_1", "host_2", "manager", "anna", "ben", "zoe"), "invalid_status"), "rosa": "forbidden",
    },
}  # fmt: skip
CASES = [(status, user, told) for status, them in ONE_SEAT.items() for user, told in them.items()]


def scope_of(user: str) -> str:
    return "manage:live" if user == "manager" else "read:live write:live"


async def test_a_question_is_answered_as_the_contract_says(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    response = await there.ask("anna", "How long should one rest?")
    question = answered(response, 201)
    assert UUID(question["id"]).version == 7
    assert question == {
        "id": question["id"],
        "session_id": there.session["id"],
        "asker_user_id": "anna",
        "body": "How long should one rest?",
        "status": "pending",
        "vote_count": 0,
        "asked_at": question["asked_at"],
        "moderated_at": None,
        "moderator_user_id": None,
    }
    assert list(question) == list(answer_schema(CONTRACT, ASK_OF_CONTRACT, "201")["properties"])
    assert not faults_in(question, answer_schema(CONTRACT, ASK_OF_CONTRACT, "201"))
    assert response.headers["cache-control"] == "private, no-cache"


async def test_a_question_is_asked_when_it_comes(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    before = await owner.fetchval("select wire_time_v1(date_trunc('milliseconds', clock_timestamp()))")
    question = await there.asked()
    after = await owner.fetchval("select wire_time_v1(clock_timestamp())")
    assert before <= question["asked_at"] <= after


@pytest.mark.parametrize(("status", "user", "told"), CASES)
async def test_in_a_session_of_one_seat_everybody_may_ask_as_they_stand(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, status: str, user: str, told: str
) -> None:
    there = await forum(http, tenant, seats=1, starts=False)
    await there.everybody()
    await there.comes_to(status)
    response = await there.ask(user, scope=scope_of(user))
    if told:
        assert_refused(response, told)
    else:
        assert answered(response, 201)["asker_user_id"] == user
    assert await questions_of(owner, there) == ([] if told else [(user, "pending", 0)])


async def test_while_it_goes_on_whoever_could_take_a_free_seat_may_ask_without_taking_it(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await forum(http, tenant, seats=1)
    await there.asked("zoe")
    session = (await there.read("zoe")).json()
    assert (session["registered_count"], session["is_registered"]) == (0, False)
    assert_refused(await there.own("zoe"), "not_found")


async def test_before_it_begins_a_free_seat_is_not_enough(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, starts=False)
    assert_refused(await there.ask("zoe"), "not_joinable")
    await there.enter("zoe")
    await there.asked("zoe")


async def test_who_gave_up_the_seat_asks_no_more(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, starts=False)
    await there.enter("anna")
    await there.asked("anna")
    await there.leave("anna")
    assert_refused(await there.ask("anna"), "not_joinable")


async def test_who_was_removed_asks_no_more_though_seats_are_free_until_allowed_again(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await forum(http, tenant)
    [registration] = await there.enter("rosa")
    await there.remove(registration)
    assert_refused(await there.ask("rosa"), "forbidden")
    await there.allow(registration)
    await there.asked("rosa")


async def test_who_was_removed_and_then_made_a_co_host_asks(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    [registration] = await there.enter("rosa")
    await there.remove(registration)
    answered(await http.put(f"{there.path}/co-hosts/rosa", headers=tenant.bearer()), 200)
    await there.asked("rosa")


async def test_after_a_reinstatement_it_is_asked_again(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, starts=False)
    await there.enter("anna")
    await there.step("cancel")
    assert_refused(await there.ask("anna"), "invalid_status")
    admin = tenant.bearer("admin", scope="admin:live")
    answered(await http.patch(f"/v1/admin{there.path[3:]}", json={"status": "scheduled"}, headers=admin), 200)
    await there.asked("anna")


@pytest.mark.parametrize("user", ["anna", "host_1"])
async def test_a_moderated_session_lets_no_question_through_by_itself(
    http: httpx.AsyncClient, tenant: Tenant, user: str
) -> None:
    there = await forum(http, tenant)
    assert (await there.asked(user))["status"] == "pending"
    assert (await there.page("zoe"))["questions"] == []


async def test_where_the_session_does_not_moderate_a_question_is_approved_at_once(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await forum(http, tenant, moderation=False)
    question = await there.asked("anna")
    assert (question["status"], question["moderated_at"], question["moderator_user_id"]) == ("approved", None, None)
    assert await there.seen(question, "zoe") is not None


@pytest.mark.parametrize(("session", "status"), [({}, "approved"), ({"moderation": True}, "pending")])
async def test_where_the_brand_does_not_moderate_a_session_may_do_so_all_the_same(
    http: httpx.AsyncClient, tenant: Tenant, session: dict[str, bool], status: str
) -> None:
    await brand_says(http, tenant, moderation=False)
    there = await forum(http, tenant, **session)
    assert (await there.asked("anna"))["status"] == status


async def test_what_was_asked_before_moderation_was_turned_off_stays_pending(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    await there.says(moderation=False)
    seen = await there.seen(question)
    assert seen is not None
    assert seen["status"] == "pending"
    assert await there.seen(question, "zoe") is None


@pytest.mark.parametrize("user", ["\U0001f600" * 200, 'a,"{b}"\\', "NULL", "{}", "' or 1=1", "guest:1", " ", "anonymous"])
async def test_who_asks_may_have_any_name(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    there = await forum(http, tenant)
    question = await there.asked(user)
    assert question["asker_user_id"] == user
    seen = await there.seen(question, user)
    assert seen is not None
    assert seen["asker_user_id"] == user


async def test_asking_moves_neither_the_session_nor_its_tag(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    before = await there.read()
    await there.asked("anna")
    after = await there.read()
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])


@pytest.mark.parametrize("session", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "x", "00000000-0000-0000-0000-000000000000"])
async def test_nobody_asks_in_a_session_that_is_not_there(http: httpx.AsyncClient, tenant: Tenant, session: str) -> None:
    assert_refused(await Forum(http, tenant, {"id": session}).ask("anna"), "not_found")


@pytest.mark.parametrize("scope", ["read:live write:live", "admin:live"])
async def test_nobody_of_another_brand_asks_not_even_with_the_hosts_name(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, scope: str
) -> None:
    there = await forum(http, tenant)
    elsewhere = Forum(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    assert_refused(await elsewhere.ask("host_1", scope=scope), "not_found")
    assert await questions_of(owner, there) == []


async def test_an_operator_without_a_brand_asks_in_the_sessions_own(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant, starts=False)
    operator = Asker(scope="admin:*", brand=None)
    response = await http.post(f"{there.path}/questions", json={"body": "Why?"}, headers=operator.headers("operators"))
    assert answered(response, 201)["asker_user_id"] == USERS["stranger"]
    assert await questions_of(owner, there) == [(USERS["stranger"], "pending", 0)]


@pytest.mark.parametrize(("scope", "error"), [("read:live", "insufficient_scope"), ("", "insufficient_scope")])
async def test_reading_alone_is_not_enough_to_ask(http: httpx.AsyncClient, tenant: Tenant, scope: str, error: str) -> None:
    there = await forum(http, tenant)
    assert_refused(await there.ask("host_1", scope=scope), error)

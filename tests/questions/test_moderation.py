"""PATCH /v1/sessions/{id}/questions/{question_id}: who may bring a question from where to where."""

from itertools import product

import httpx
import pytest

from greenroom.kit.ids import BrandId
from greenroom.questions.schemas import QuestionStatus
from tests.permissions.asking import USERS, Asker
from tests.postgres import Owner
from tests.questions.forum import STATUSES, Forum, audit_of, events_of, forum
from tests.registrations.people import answered
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

STATES: tuple[QuestionStatus, ...] = ("pending", "approved", "dismissed", "answered")
WANTED: tuple[QuestionStatus | None, ...] = (*STATES, None)  # None: nothing is said
LEGAL = {("pending", "approved"), ("pending", "dismissed"), ("approved", "answered"), ("approved", "dismissed")}
SEEN_BY_ALL = {"approved", "answered"}

MODERATORS = {"host_1": "read:live write:live", "host_2": "write:live", "manager": "manage:live", "admin": "admin:live"}
OTHERS = ("ben", "zoe", "rosa")  # who waits for a seat, who has none, who was removed


def told_moderators(was: QuestionStatus, wanted: QuestionStatus | None) -> str:
    """The code of the error, or nothing."""
    return "" if wanted in {None, was} or (was, wanted) in LEGAL else "invalid_status"


def told_the_asker(was: QuestionStatus, wanted: QuestionStatus | None) -> str:
    """Nothing but to take back what is pending; that twice is once."""
    return "" if wanted is None or (wanted == "dismissed" and was in {"pending", "dismissed"}) else "forbidden"


def told_others(was: QuestionStatus) -> str:
    return "forbidden" if was in SEEN_BY_ALL else "not_found"


async def one_seat(http: httpx.AsyncClient, tenant: Tenant) -> Forum:
    there = await forum(http, tenant, seats=1, starts=False)
    await there.everybody()
    return there


async def stored(owner: Owner, question: Json) -> Json:
    row = await owner.fetchrow("select * from questions where id = $1", question["id"])
    assert row is not None
    return dict(row)


async def assert_judged(owner: Owner, response: httpx.Response, question: Json, wanted: str | None, told: str) -> None:
    """It is as wanted, or refused, and then as it was."""
    if told:
        assert_refused(response, told)
    else:
        assert answered(response, 200)["status"] == (wanted or question["status"])
    now = (await stored(owner, question))["status"]
    assert now == (question["status"] if told or wanted is None else wanted)


@pytest.mark.parametrize(("was", "wanted"), list(product(STATES, WANTED)))
@pytest.mark.parametrize("user", MODERATORS)
async def test_a_moderator_brings_a_question_from_one_status_to_another(
    *,
    http: httpx.AsyncClient,
    tenant: Tenant,
    owner: Owner,
    user: str,
    was: QuestionStatus,
    wanted: QuestionStatus | None,
) -> None:
    there = await one_seat(http, tenant)
    question = await there.question("anna", status=was)
    response = await there.moderate(question, wanted, user=user, scope=MODERATORS[user])
    await assert_judged(owner, response, question, wanted, told_moderators(was, wanted))


@pytest.mark.parametrize(("was", "wanted"), list(product(STATES, WANTED)))
async def test_who_asked_takes_back_what_is_pending_and_no_more(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, was: QuestionStatus, wanted: QuestionStatus | None
) -> None:
    there = await one_seat(http, tenant)
    question = await there.question("anna", status=was)
    response = await there.moderate(question, wanted, user="anna")
    await assert_judged(owner, response, question, wanted, told_the_asker(was, wanted))


@pytest.mark.parametrize(("was", "wanted"), list(product(STATES, WANTED)))
async def test_nobody_else_touches_a_question(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, was: QuestionStatus, wanted: QuestionStatus | None
) -> None:
    there = await one_seat(http, tenant)
    question = await there.question("anna", status=was)
    for user in OTHERS:
        response = await there.moderate(question, wanted, user=user)
        await assert_judged(owner, response, question, wanted, told_others(was))


async def test_a_question_that_one_may_not_see_is_told_as_one_that_is_not_there(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await forum(http, tenant)
    hidden = await there.moderate(await there.asked("anna"), "dismissed", user="ben")
    nothing = await there.moderate({"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}, "dismissed", user="ben")
    assert (hidden.status_code, hidden.content) == (nothing.status_code, nothing.content)


async def test_a_moderated_question_says_when_and_by_whom(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    asked = await there.asked("anna", "How long?")
    question = answered(await there.moderate(asked, "approved", user="manager", scope="manage:live"), 200)
    assert question == {
        **asked,
        "status": "approved",
        "moderated_at": question["moderated_at"],
        "moderator_user_id": "manager",
        "is_pinned": False,
        "has_voted": False,
    }
    assert question["moderated_at"] >= asked["asked_at"]
    assert question == await there.seen(question)


async def test_who_moderated_last_is_named(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await one_seat(http, tenant)
    approved = await there.question("anna")
    question = answered(await there.moderate(approved, "answered", user="host_2"), 200)
    assert question["moderator_user_id"] == "host_2"
    assert question["moderated_at"] >= approved["moderated_at"]


async def test_the_answer_shows_the_moderators_own_vote_and_the_pin(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "host_1", "ben")
    answered(await there.pin(question), 200)
    done = answered(await there.moderate(question, "answered"), 200)
    assert (done["vote_count"], done["has_voted"], done["is_pinned"]) == (2, True, True)


async def test_moderating_keeps_the_votes(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "ben", "cid")
    assert answered(await there.moderate(question, "dismissed"), 200)["vote_count"] == 2
    assert await owner.fetchval("select count(*) from votes where question_id = $1", question["id"]) == 2


async def test_what_is_taken_back_was_moderated_by_nobody(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    taken_back = answered(await there.moderate(question, "dismissed", user="anna"), 200)
    assert (taken_back["moderated_at"], taken_back["moderator_user_id"]) == (None, None)
    row = await stored(owner, question)
    assert (row["moderated_at"], row["moderator_user_id"]) == (None, None)
    assert await there.seen(question) == await there.seen(question, "anna") == taken_back


async def test_a_dismissed_question_tells_the_asker_when_but_not_by_whom(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", status="dismissed")
    again = answered(await there.moderate(question, "dismissed", user="anna"), 200)
    assert again == {**question, "moderator_user_id": None}
    assert again["moderated_at"] is not None


async def test_a_hosts_own_question_is_moderated_like_any_other(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    dismissed = answered(await there.moderate(await there.asked("host_1"), "dismissed"), 200)
    assert dismissed["moderator_user_id"] == "host_1"


@pytest.mark.parametrize("was", STATES)
@pytest.mark.parametrize("says", ["the same", "nothing"])
async def test_what_changes_nothing_answers_as_before_and_leaves_no_trace(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, was: QuestionStatus, says: str
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", status=was)
    before = await stored(owner, question)
    seen = await there.seen(question)
    again = await there.moderate(question, was if says == "the same" else None, user="manager", scope="manage:live")
    assert answered(again, 200) == seen
    assert await stored(owner, question) == before
    steps = 1 + len(STATUSES[was])
    assert (len(await audit_of(owner, question)), len(await events_of(owner, there))) == (steps, steps)


async def test_what_the_asker_says_twice_is_done_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    answers = [await there.moderate(question, status, user="anna") for status in ("dismissed", "dismissed", None)]
    assert len({response.content for response in answers}) == 1
    assert len(await audit_of(owner, question)) == 2


@pytest.mark.parametrize("session", ["scheduled", "live", "ended", "cancelled"])
@pytest.mark.parametrize(("was", "wanted"), sorted(LEGAL))
async def test_a_question_is_moderated_whatever_became_of_the_session(
    *, http: httpx.AsyncClient, tenant: Tenant, session: str, was: QuestionStatus, wanted: QuestionStatus
) -> None:
    there = await one_seat(http, tenant)
    question = await there.question("anna", status=was)
    await there.comes_to(session)
    assert answered(await there.moderate(question, wanted), 200)["status"] == wanted


@pytest.mark.parametrize("session", ["scheduled", "live", "ended", "cancelled"])
async def test_a_question_is_taken_back_whatever_became_of_the_session(
    http: httpx.AsyncClient, tenant: Tenant, session: str
) -> None:
    there = await one_seat(http, tenant)
    question = await there.asked("anna")
    await there.comes_to(session)
    assert answered(await there.moderate(question, "dismissed", user="anna"), 200)["status"] == "dismissed"


async def test_who_may_not_is_told_before_what_is_not_possible(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", status="answered")
    assert_refused(await there.moderate(question, "pending", user="ben"), "forbidden")
    assert_refused(await there.moderate(question, "pending"), "invalid_status")


async def test_nobody_of_another_brand_moderates_not_even_with_the_hosts_name(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    elsewhere = Forum(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    for scope in ("write:live", "admin:live"):
        assert_refused(await elsewhere.moderate(question, "approved", scope=scope), "not_found")
    assert (await stored(owner, question))["status"] == "pending"


async def test_an_operator_without_a_brand_moderates_in_the_sessions_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.asked("anna")
    operator = Asker(scope="admin:*", brand=None)
    response = await http.patch(there.path_of(question), json={"status": "approved"}, headers=operator.headers("operators"))
    assert answered(response, 200)["moderator_user_id"] == USERS["stranger"]


async def test_moderating_moves_neither_the_session_nor_its_tag(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    before = await there.read()
    await there.question("anna", status="answered")
    after = await there.read()
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])


async def test_reading_alone_is_not_enough_to_moderate(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    response = await there.moderate(await there.asked("anna"), "approved", scope="read:live")
    assert_refused(response, "insufficient_scope")

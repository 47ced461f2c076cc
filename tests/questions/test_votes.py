"""PUT and DELETE /v1/sessions/{id}/questions/{question_id}/vote: one vote of each person, given and taken back."""

import asyncio

import httpx
import pytest

from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, SessionId, UserId, new_id
from greenroom.questions import queries
from greenroom.questions.queries import Voting
from greenroom.questions.schemas import QuestionStatus
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.permissions.asking import USERS, Asker
from tests.postgres import Owner
from tests.questions.forum import Forum, audit_of, events_of, forum
from tests.questions.test_asking import CASES, scope_of
from tests.registrations.people import answered
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of

ONE_VOTE = ("/v1/sessions/{id}/questions/{question_id}/vote", "put")
both = pytest.mark.parametrize("act", ["give", "take back"])


async def act_on(there: Forum, act: str, question: Json, user: str, *, scope: str = "read:live write:live") -> httpx.Response:
    done = there.vote if act == "give" else there.take_back
    return await done(question, user, scope=scope)


async def voters(owner: Owner, question: Json) -> list[str]:
    """Who has voted; the question counts as many."""
    rows = await owner.fetch("select user_id from votes where question_id = $1 order by user_id", question["id"])
    counted = await owner.fetchval("select vote_count from questions where id = $1", question["id"])
    assert counted == len(rows)
    return [row["user_id"] for row in rows]


async def told_counts(owner: Owner, there: Forum) -> list[dict[str, int]]:
    return [payload["vote_counts"] for name, payload in await events_of(owner, there) if name == "votes_changed"]


async def test_a_vote_is_counted_and_is_ones_own(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    response = await there.vote(question, "ben")
    assert answered(response, 200) == {"question_id": question["id"], "vote_count": 1, "has_voted": True}
    assert not faults_in(response.json(), answer_schema(OURS, operations(OURS)[ONE_VOTE], "200"))
    assert response.headers["cache-control"] == "private, no-cache"
    assert await voters(owner, question) == ["ben"]
    shown = [await there.seen(question, user) for user in ("ben", "cid")]
    assert [(one["vote_count"], one["has_voted"]) for one in shown if one] == [(1, True), (1, False)]


async def test_every_persons_vote_counts_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    counts = [answered(await there.vote(question, user), 200)["vote_count"] for user in ("ben", "cid", "ben", "Ben", "cid")]
    assert counts == [1, 2, 2, 3, 3]
    assert sorted(await voters(owner, question)) == ["Ben", "ben", "cid"]


async def test_a_vote_taken_back_counts_no_longer(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "ben", "cid")
    response = await there.take_back(question, "ben")
    assert answered(response, 200) == {"question_id": question["id"], "vote_count": 1, "has_voted": False}
    assert await voters(owner, question) == ["cid"]


async def test_taking_back_twice_or_what_was_never_given_is_no_fault(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "ben", "cid")
    counts = [answered(await there.take_back(question, user), 200)["vote_count"] for user in ("ben", "ben", "dee")]
    assert counts == [1, 1, 1]
    assert await voters(owner, question) == ["cid"]


async def test_who_took_a_vote_back_may_give_it_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "ben")
    answered(await there.take_back(question, "ben"), 200)
    assert answered(await there.vote(question, "ben"), 200)["vote_count"] == 1
    assert await voters(owner, question) == ["ben"]


async def test_a_person_has_a_vote_on_every_question(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    one, other = await there.question("anna"), await there.question("anna")
    await there.voted(one, "ben")
    await there.voted(other, "ben", "cid")
    assert [await voters(owner, question) for question in (one, other)] == [["ben"], ["ben", "cid"]]


async def test_who_asked_may_vote_for_it_too(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    assert answered(await there.vote(await there.question("anna"), "anna"), 200)["has_voted"] is True


@both
@pytest.mark.parametrize(("status", "user", "told"), CASES)
async def test_in_a_session_of_one_seat_those_vote_who_may_ask(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, act: str, status: str, user: str, told: str
) -> None:
    there = await forum(http, tenant, seats=1, starts=False)
    await there.everybody()
    question = await there.question("anna")
    await there.comes_to(status)
    response = await act_on(there, act, question, user, scope=scope_of(user))
    if told:
        assert_refused(response, told)
    else:
        assert answered(response, 200)["has_voted"] is (act == "give")
    assert await voters(owner, question) == ([user] if act == "give" and not told else [])


@both
@pytest.mark.parametrize("status", ["pending", "dismissed", "answered"])
async def test_only_what_is_approved_is_voted_on(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, act: str, status: QuestionStatus
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", status=status)
    for user in ("anna", "host_1"):
        assert_refused(await act_on(there, act, question, user), "invalid_status")
    told = "invalid_status" if status == "answered" else "not_found"
    assert_refused(await act_on(there, act, question, "ben"), told)
    assert await voters(owner, question) == []


async def test_votes_stay_when_voting_is_over(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "ben")
    answered(await there.moderate(question, "answered"), 200)
    assert_refused(await there.take_back(question, "ben"), "invalid_status")
    await there.step("end")
    assert_refused(await there.take_back(question, "ben"), "invalid_status")
    assert await voters(owner, question) == ["ben"]


@pytest.mark.parametrize("end", ["answered", "the session ended", "the seats are taken"])
async def test_a_vote_that_was_given_is_not_refused_when_it_is_given_again(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, end: str
) -> None:
    there = await forum(http, tenant, seats=1)
    question = await there.question("anna")
    await there.voted(question, "ben")
    match end:
        case "answered":
            answered(await there.moderate(question, "answered"), 200)
        case "the session ended":
            await there.step("end")
        case _:
            await there.enter("anna")
    again = {"question_id": question["id"], "vote_count": 1, "has_voted": True}
    assert answered(await there.vote(question, "ben"), 200) == again
    assert not (await there.vote(question, "cid")).is_success
    assert await voters(owner, question) == ["ben"]
    assert len(await told_counts(owner, there)) == 1


@both
async def test_nobody_of_another_brand_votes(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, act: str) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "host_1")
    elsewhere = Forum(http, Tenant(BrandId(f"{tenant.brand}-other")), there.session)
    for scope in ("write:live", "admin:live"):
        assert_refused(await act_on(elsewhere, act, question, "host_1", scope=scope), "not_found")
    assert await voters(owner, question) == ["host_1"]


async def test_an_operator_without_a_brand_votes_in_the_sessions_own(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    operator = Asker(scope="admin:*", brand=None).headers("operators")
    answered(await http.put(f"{there.path_of(question)}/vote", headers=operator), 200)
    assert await voters(owner, question) == [USERS["stranger"]]


@both
async def test_reading_alone_is_not_enough_to_vote(http: httpx.AsyncClient, tenant: Tenant, act: str) -> None:
    there = await forum(http, tenant)
    response = await act_on(there, act, await there.question("anna"), "ben", scope="read:live")
    assert_refused(response, "insufficient_scope")


async def test_no_vote_is_audited(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    before = await owner.fetchval("select count(*) from audit_log where brand_id = $1", tenant.brand)
    await there.voted(question, "ben", "cid")
    answered(await there.take_back(question, "ben"), 200)
    assert await owner.fetchval("select count(*) from audit_log where brand_id = $1", tenant.brand) == before
    assert len(await audit_of(owner, question)) == 2


async def test_a_change_of_votes_is_told_with_the_counts(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "ben", "cid")
    answered(await there.take_back(question, "ben"), 200)
    assert await told_counts(owner, there) == [{question["id"]: count} for count in (1, 2, 1)]


async def test_what_changes_no_vote_is_not_told(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    await there.voted(question, "ben", "ben")
    answered(await there.take_back(question, "cid"), 200)
    assert_refused(await there.vote({"id": "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"}, "ben"), "not_found")
    assert len(await told_counts(owner, there)) == 1


async def test_a_batch_is_told_once_with_what_has_changed_in_it(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    there = await forum(http, tenant)
    one, other, evened = [await there.question("anna") for _ in range(3)]
    await there.voted(evened, "eve")
    before = len(await told_counts(owner, there))
    votes = [(one, "ben", True), (one, "cid", True), (other, "ben", True), (other, "dee", False), (evened, "ben", True),
             (evened, "eve", False)]  # fmt: skip
    batch = [Voting(question=id_of(question), user=UserId(user), manages=False, wants=wants) for question, user, wants in votes]
    counted = await queries.vote(db, tenant.brand, SessionId(id_of(there.session)), new_id(), batch)
    assert [(it.how, it.votes) for it in counted] == [("voted", count) for count in (2, 2, 1, 1, 1, 1)]
    assert (await told_counts(owner, there))[before:] == [{one["id"]: 2, other["id"]: 1}]


async def test_each_vote_of_a_batch_is_judged_alone(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    there = await forum(http, tenant)
    approved, pending = await there.question("anna"), await there.asked("anna")
    [removed] = await there.enter("rosa")
    await there.remove(removed)
    votes = [(approved, "rosa"), (approved, "ben"), (pending, "ben"), (pending, "anna"), ({"id": str(new_id())}, "ben")]
    batch = [Voting(question=id_of(question), user=UserId(user), manages=False, wants=True) for question, user in votes]
    counted = await queries.vote(db, tenant.brand, SessionId(id_of(there.session)), new_id(), batch)
    assert [(it.how, it.votes) for it in counted] == [
        ("barred", None), ("voted", 1), ("no_question", None), ("question_status", None), ("no_question", None),
    ]  # fmt: skip
    assert await voters(owner, approved) == ["ben"]


async def test_many_at_once_are_told_in_rising_counts_of_which_the_last_has_them_all(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    answers = await asyncio.gather(*(there.vote(question, f"fan_{number}") for number in range(60)))
    assert {response.status_code for response in answers} == {200}
    counts = [told[question["id"]] for told in await told_counts(owner, there)]
    assert counts == sorted(set(counts))
    assert counts[-1] == len(await voters(owner, question)) == 60


async def test_voting_moves_neither_the_session_nor_its_tag(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna")
    before = await there.read()
    await there.voted(question, "ben")
    after = await there.read()
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])

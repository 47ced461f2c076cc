"""GET /v1/sessions/{id}/questions: what each may see of whom, in every status of the session and of the question."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from msgspec import Struct

from greenroom.questions.schemas import QuestionStatus
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.permissions.asking import Asker
from tests.questions.forum import Forum, forum, ids_of
from tests.registrations.people import answered
from tests.session_settings.said import brand_says
from tests.sessions.lists import another_brand
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

LIST = ("/v1/sessions/{id}/questions", "get")
STATES: tuple[QuestionStatus, ...] = ("pending", "approved", "dismissed", "answered")
MODERATORS = {"host_1": "read:live", "host_2": "read:live", "manager": "manage:live", "admin": "admin:live"}
PARTICIPANTS = ("anna", "ben", "zoe", "rosa")  # who has the seat, who waits for it, who has none, who was removed


class Asked(Struct, frozen=True):
    """A session where anna and rosa have asked a question of each status; rosa was removed afterwards."""

    there: Forum
    of: dict[str, dict[str, Json]]  # by who asked, and by status

    def ids(self, user: str, *statuses: str) -> list[str]:
        return [self.of[user][status]["id"] for status in statuses]


@pytest.fixture
async def asked(http: httpx.AsyncClient, tenant: Tenant) -> Asked:
    there = await forum(http, tenant, seats=1, starts=False)
    [registration] = await there.enter("rosa")
    of: dict[str, dict[str, Json]] = {
        "rosa": {status: await there.question("rosa", f"rosa: {status}", status=status) for status in STATES}
    }
    answered(await there.remove(registration), 200)
    answered(await http.put(f"{there.path}/co-hosts/host_2", headers=tenant.bearer()), 200)
    await there.enter("anna", "ben")
    of["anna"] = {status: await there.question("anna", f"anna: {status}", status=status) for status in STATES}
    return Asked(there, of)


def shown(page: Json, name: str) -> dict[str, Any]:
    """Of each question on the page one field."""
    return {one["id"]: one[name] for one in page["questions"]}


def everything(asked: Asked) -> list[str]:
    return [*asked.ids("rosa", *STATES), *asked.ids("anna", *STATES)]


async def test_a_list_without_questions_is_empty(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    for user in ("host_1", "anna"):
        assert await there.page(user) == {"questions": [], "next_cursor": None}


async def test_a_moderator_sees_all_of_a_question(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", "How long?")
    await there.voted(question, "ben", "host_1")
    response = await there.list("host_1")
    assert answered(response, 200)["questions"] == [{**question, "vote_count": 2, "has_voted": True, "is_pinned": False}]
    assert not faults_in(response.json(), answer_schema(OURS, operations(OURS)[LIST], "200"))
    assert question["moderator_user_id"] == "host_1"


async def test_a_participant_sees_neither_who_asked_nor_who_moderated(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    question = await there.question("anna", "How long?")
    response = await there.list("ben")
    assert answered(response, 200)["questions"] == [
        {**question, "asker_user_id": "anonymous", "moderator_user_id": None, "has_voted": False, "is_pinned": False}
    ]
    assert not faults_in(response.json(), answer_schema(OURS, operations(OURS)[LIST], "200"))
    assert "anna" not in response.text
    assert "host_1" not in response.text


@pytest.mark.parametrize("session", ["scheduled", "live", "ended", "cancelled"])
@pytest.mark.parametrize("user", MODERATORS)
async def test_moderators_see_every_question_whatever_became_of_the_session(asked: Asked, session: str, user: str) -> None:
    await asked.there.comes_to(session)
    page = await asked.there.page(user, scope=MODERATORS[user], sort="new")
    assert ids_of(page) == everything(asked)[::-1]
    assert shown(page, "asker_user_id") == {question["id"]: who for who, them in asked.of.items() for question in them.values()}


@pytest.mark.parametrize("session", ["scheduled", "live", "ended", "cancelled"])
@pytest.mark.parametrize("user", PARTICIPANTS)
async def test_others_see_what_was_let_through_and_their_own(asked: Asked, session: str, user: str) -> None:
    await asked.there.comes_to(session)
    page = await asked.there.page(user, sort="new")
    own = asked.ids(user, *STATES) if user in asked.of else []
    public = {*asked.ids("anna", "approved", "answered"), *asked.ids("rosa", "approved", "answered")}
    assert ids_of(page) == [one for one in everything(asked)[::-1] if one in {*own, *public}]
    assert shown(page, "asker_user_id") == {one: user if one in own else "anonymous" for one in ids_of(page)}
    assert set(shown(page, "moderator_user_id").values()) <= {None}


async def test_who_took_a_question_back_sees_it_still_and_nobody_else_but_moderators(asked: Asked) -> None:
    question = asked.of["anna"]["pending"]
    answered(await asked.there.moderate(question, "dismissed", user="anna"), 200)
    assert [await asked.there.seen(question, user) is not None for user in ("anna", "host_1", "ben")] == [True, True, False]


async def test_what_is_dismissed_is_seen_by_others_no_longer(asked: Asked) -> None:
    question = asked.of["anna"]["approved"]
    await asked.there.step("start")
    assert await asked.there.seen(question, "ben") is not None
    answered(await asked.there.moderate(question, "dismissed"), 200)
    assert [await asked.there.seen(question, user) is not None for user in ("anna", "host_1", "ben")] == [True, True, False]


@pytest.mark.parametrize(("brand", "session", "hidden"), [
    ({}, {}, True), ({}, {"anonymous": True}, True), ({}, {"anonymous": False}, False),
    ({"anonymous": False}, {}, False), ({"anonymous": False}, {"anonymous": True}, True),
])  # fmt: skip
async def test_the_session_or_else_its_brand_says_whether_participants_see_who_asked(
    *, http: httpx.AsyncClient, tenant: Tenant, brand: dict[str, bool], session: dict[str, bool], hidden: bool
) -> None:
    if brand:
        await brand_says(http, tenant, **brand)
    there = await forum(http, tenant, **session)
    question = await there.question("anna")
    seen = {user: await there.seen(question, user) for user in ("ben", "anna", "host_1")}
    assert {user: one["asker_user_id"] for user, one in seen.items() if one} == {
        "ben": "anonymous" if hidden else "anna", "anna": "anna", "host_1": "anna",
    }  # fmt: skip


async def test_names_that_were_shown_are_hidden_when_the_host_says_so(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, anonymous=False)
    question = await there.question("anna")
    await there.says(anonymous=True)
    seen = await there.seen(question, "ben")
    assert seen is not None
    assert seen["asker_user_id"] == "anonymous"


async def test_showing_who_asks_shows_no_pending_question_and_no_moderator(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant, anonymous=False)
    approved, pending = await there.question("anna"), await there.asked("anna")
    page = await there.page("ben")
    assert ids_of(page) == [approved["id"]]
    assert pending["id"] not in ids_of(page)
    assert set(shown(page, "moderator_user_id").values()) == {None}


async def test_whose_name_is_the_word_anonymous_sees_only_what_is_theirs(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    await there.asked("anna")
    own = await there.asked("anonymous")
    assert ids_of(await there.page("anonymous")) == [own["id"]]


async def test_everybody_sees_their_own_votes_and_the_counts_of_all(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    one, other = await there.question("anna"), await there.question("anna")
    await there.voted(one, "anna", "ben", "host_1")
    await there.voted(other, "ben")
    votes: dict[str, Sequence[bool]] = {"anna": [True, False], "ben": [True, True], "host_1": [True, False], "zoe": [False] * 2}
    for user, voted in votes.items():
        page = await there.page(user)
        assert list(shown(page, "has_voted").values()) == voted
        assert list(shown(page, "vote_count").values()) == [3, 1]


async def test_who_comes_to_moderate_sees_all_and_who_goes_no_longer(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    pending = await there.asked("anna")
    assert await there.seen(pending, "host_2") is None
    path = f"{there.path}/co-hosts/host_2"
    answered(await http.put(path, headers=tenant.bearer()), 200)
    assert await there.seen(pending, "host_2") is not None
    answered(await http.delete(path, headers=tenant.bearer()), 200)
    assert await there.seen(pending, "host_2") is None


@pytest.mark.parametrize("sort", ["top", "new"])
async def test_the_questions_of_two_sessions_do_not_meet(http: httpx.AsyncClient, tenant: Tenant, sort: str) -> None:
    one, other = await forum(http, tenant), await forum(http, tenant)
    here, there = await one.question("anna"), await other.question("anna")
    for user in ("anna", "ben", "host_1"):
        assert ids_of(await one.page(user, sort=sort)) == [here["id"]]
        assert ids_of(await other.page(user, sort=sort)) == [there["id"]]


async def test_nobody_of_another_brand_sees_it_not_even_with_the_hosts_name(asked: Asked) -> None:
    strangers = another_brand()
    for scope in ("read:live", "admin:live"):
        headers = strangers.bearer("host_1", scope=scope)
        assert_refused(await asked.there.http.get(f"{asked.there.path}/questions", headers=headers), "not_found")


async def test_an_operator_without_a_brand_sees_all_and_one_confined_to_another_nothing(asked: Asked) -> None:
    path = f"{asked.there.path}/questions"
    everywhere = Asker(scope="admin:*", brand=None).headers("operators")
    page = answered(await asked.there.http.get(path, params={"sort": "new"}, headers=everywhere), 200)
    assert ids_of(page) == everything(asked)[::-1]
    elsewhere = Asker(scope="admin:*", brand=None, names=another_brand().brand).headers("operators")
    assert_refused(await asked.there.http.get(path, headers=elsewhere), "not_found")


@pytest.mark.parametrize("session", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "x", "00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("status", [{}, {"status": "pending"}])
async def test_a_session_that_is_not_there_is_a_404(
    *, http: httpx.AsyncClient, tenant: Tenant, session: str, status: dict[str, str]
) -> None:
    assert_refused(await Forum(http, tenant, {"id": session}).list("anna", **status), "not_found")


async def test_the_list_is_kept_by_nobody_but_the_caller(asked: Asked) -> None:
    assert (await asked.there.list("ben")).headers["cache-control"] == "private, no-cache"


async def test_writing_alone_is_not_enough_to_read(asked: Asked) -> None:
    assert_refused(await asked.there.list("host_1", scope="write:live"), "insufficient_scope")

"""The pages of the list of questions: their orders, their cursors, and what they may be asked for."""

import httpx
import pytest

from greenroom.questions.schemas import QuestionStatus
from tests.postgres import Owner
from tests.questions.forum import Forum, forum, ids_of
from tests.registrations.crowds import walked
from tests.registrations.people import answered
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

VOTES = [1, 3, 0, 3, 0, 2, 3]  # of the questions, in the order in which they were asked
TOP = [1, 3, 6, 5, 0, 2, 4]
NEW = [6, 5, 4, 3, 2, 1, 0]
ORDERS = {"top": TOP, "new": NEW}
STATES: tuple[QuestionStatus, ...] = ("pending", "approved", "dismissed", "answered")

every_order = pytest.mark.parametrize("sort", ORDERS)


@pytest.fixture
async def voted(http: httpx.AsyncClient, tenant: Tenant) -> tuple[Forum, list[Json]]:
    """A session with approved questions of several people, and as many votes as VOTES says."""
    there = await forum(http, tenant, moderation=False)
    questions = [await there.asked(f"asker_{number % 3}", f"Why {number}?") for number in range(len(VOTES))]
    for question, votes in zip(questions, VOTES, strict=True):
        await there.voted(question, *(f"fan_{fan}" for fan in range(votes)))
    return there, questions


@pytest.fixture
async def mixed(http: httpx.AsyncClient, tenant: Tenant) -> tuple[Forum, dict[str, list[Json]]]:
    """A session with three questions of each status, asked by turns by two people; some of them with votes."""
    there = await forum(http, tenant, open_questions=100)
    of: dict[str, list[Json]] = {status: [] for status in STATES}
    for number in range(3):
        for status in STATES:
            question = await there.question(f"asker_{number % 2}", status="pending" if status == "pending" else "approved")
            if status != "pending":
                await there.voted(question, *(f"fan_{fan}" for fan in range(number % 2)))
            if status in {"dismissed", "answered"}:
                answered(await there.moderate(question, status), 200)
            of[status].append(question)
    return there, of


async def all_pages(there: Forum, user: str, **parameters: str | int) -> list[Json]:
    return await walked(there.http, f"{there.path}/questions", there.tenant.bearer(user), **parameters)


def order(questions: list[Json], sort: str) -> list[str]:
    return [questions[place]["id"] for place in ORDERS[sort]]


@every_order
@pytest.mark.parametrize("user", ["host_1", "asker_1", "zoe"])
async def test_top_has_most_votes_first_and_of_equals_those_asked_first_and_new_those_asked_last(
    voted: tuple[Forum, list[Json]], sort: str, user: str
) -> None:
    there, questions = voted
    assert ids_of(await there.page(user, sort=sort)) == order(questions, sort)


async def test_the_order_is_that_of_votes_when_nobody_says(voted: tuple[Forum, list[Json]]) -> None:
    there, questions = voted
    assert ids_of(await there.page("zoe")) == order(questions, "top")


@every_order
@pytest.mark.parametrize("user", ["host_1", "asker_1", "zoe"])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_pages_of_any_size_show_every_question_once_in_order(
    voted: tuple[Forum, list[Json]], sort: str, user: str, limit: int
) -> None:
    there, questions = voted
    pages = await all_pages(there, user, sort=sort, limit=limit)
    assert ids_of(*pages) == order(questions, sort)
    assert [len(page["questions"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]["questions"]


@every_order
@pytest.mark.parametrize("user", ["host_1", "asker_0", "asker_1", "zoe"])
@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_show_all_that_one_may_see_and_no_more(
    *, mixed: tuple[Forum, dict[str, list[Json]]], sort: str, user: str, limit: int
) -> None:
    there, of = mixed
    pages = await all_pages(there, user, sort=sort, limit=limit)
    seen = {
        question["id"]
        for status, them in of.items()
        for question in them
        if user in {"host_1", question["asker_user_id"]} or status in {"approved", "answered"}
    }
    assert sorted(ids_of(*pages)) == sorted(seen)
    assert ids_of(*pages) == ids_of(await there.page(user, sort=sort, limit=100))


@every_order
@pytest.mark.parametrize("status", STATES)
async def test_moderators_choose_by_status(
    mixed: tuple[Forum, dict[str, list[Json]]], sort: str, status: QuestionStatus
) -> None:
    there, of = mixed
    [whole] = await all_pages(there, "host_1", sort=sort, status=status)
    pages = await all_pages(there, "host_1", sort=sort, status=status, limit=2)
    assert {one["status"] for one in whole["questions"]} == {status}
    assert sorted(ids_of(whole)) == sorted(question["id"] for question in of[status])
    assert ids_of(*pages) == ids_of(whole)
    places = [(-one["vote_count"] if sort == "top" else 0, one["asked_at"]) for one in whole["questions"]]
    assert places == sorted(places, reverse=sort == "new")


@pytest.mark.parametrize("user", ["asker_0", "zoe"])
@pytest.mark.parametrize("status", STATES)
async def test_nobody_else_chooses_by_status_not_even_by_one_that_all_see(
    mixed: tuple[Forum, dict[str, list[Json]]], user: str, status: QuestionStatus
) -> None:
    there, _ = mixed
    response = await there.list(user, status=status)
    assert_refused(response, "forbidden", names="status")
    assert "asker_0" not in response.text


@pytest.mark.parametrize(("user", "scope"), [("host_1", "read:live"), ("somebody", "manage:live")])
async def test_who_hosts_or_manages_chooses_by_status(
    mixed: tuple[Forum, dict[str, list[Json]]], user: str, scope: str
) -> None:
    there, of = mixed
    page = await there.page(user, scope=scope, status="pending", sort="new")
    assert ids_of(page) == [question["id"] for question in of["pending"]][::-1]


async def test_questions_asked_at_the_same_moment_stand_in_the_order_in_which_they_came(
    voted: tuple[Forum, list[Json]], owner: Owner
) -> None:
    there, questions = voted
    await owner.execute("update questions set asked_at = now() where session_id = $1", there.session["id"])
    for sort in ORDERS:
        assert ids_of(*await all_pages(there, "zoe", sort=sort, limit=1)) == order(questions, sort)


async def test_a_page_goes_on_after_the_last_one_shown_though_others_were_asked(voted: tuple[Forum, list[Json]]) -> None:
    there, questions = voted
    first = await there.page("zoe", sort="new", limit=3)
    await there.asked("asker_9")
    second = await there.page("zoe", sort="new", limit=100, cursor=first["next_cursor"])
    assert ids_of(first, second) == order(questions, "new")


async def test_a_page_goes_on_where_the_last_one_shown_stood_though_it_was_dismissed(
    voted: tuple[Forum, list[Json]],
) -> None:
    there, questions = voted
    first = await there.page("zoe", limit=2)
    answered(await there.moderate(first["questions"][-1], "dismissed"), 200)
    second = await there.page("zoe", limit=100, cursor=first["next_cursor"])
    assert ids_of(first, second) == order(questions, "top")


@every_order
async def test_the_link_leads_to_the_next_page_with_the_same_order_and_status(
    mixed: tuple[Forum, dict[str, list[Json]]], sort: str
) -> None:
    there, _ = mixed
    whole = ids_of(await there.page("host_1", sort=sort, status="approved"))
    first = await there.list("host_1", sort=sort, status="approved", limit=2)
    target, _, relation = first.headers["link"].partition(">")
    assert 'rel="next"' in relation
    second = await there.http.get(target.removeprefix("<"), headers=there.tenant.bearer())
    assert ids_of(first.json(), answered(second, 200)) == whole
    assert "link" not in second.headers
    assert httpx.URL(target.removeprefix("<")).params["cursor"] == first.json()["next_cursor"]


async def test_a_page_that_holds_all_there_is_has_no_next(voted: tuple[Forum, list[Json]]) -> None:
    there, questions = voted
    response = await there.list("zoe", limit=len(questions))
    assert response.json()["next_cursor"] is None
    assert "link" not in response.headers


async def test_a_page_has_twenty_when_nobody_says_and_a_hundred_at_most(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    there = await forum(http, tenant, moderation=False)
    for number in range(102):
        await there.asked(f"asker_{number}")
    assert await owner.fetchval("select count(*) from questions where brand_id = $1", tenant.brand) == 102
    assert len((await there.page("zoe"))["questions"]) == 20
    sizes = [len((await there.page("zoe", limit=limit))["questions"]) for limit in (99, 100, 101, 10**30)]
    assert sizes == [99, 100, 100, 100]


@pytest.mark.parametrize(("name", "value"), [
    ("status", "open"), ("status", ""), ("status", "Approved"), ("status", "approved,answered"),
    ("sort", "votes"), ("sort", ""), ("sort", "TOP"), ("sort", "top new"), ("sort", "-vote_count"),
    ("limit", "0"), ("limit", "-1"), ("limit", "many"), ("limit", ""), ("limit", "1.5"), ("limit", "\u0661"),
    ("cursor", ""), ("cursor", "x"), ("cursor", "x" * 5000), ("cursor", "\u00e9"), ("cursor", "\0"),
])  # fmt: skip
@pytest.mark.parametrize("user", ["host_1", "zoe"])
async def test_a_bad_parameter_is_named(*, http: httpx.AsyncClient, tenant: Tenant, user: str, name: str, value: str) -> None:
    there = await forum(http, tenant)
    assert_refused(await there.list(user, **{name: value}), "validation_error", names=name)


async def test_a_parameter_that_is_not_known_is_ignored(voted: tuple[Forum, list[Json]]) -> None:
    there, questions = voted
    assert len(ids_of(await there.page("zoe", asker_user_id="asker_1", order="x"))) == len(questions)


@pytest.mark.parametrize("wanted", [
    {"sort": "new"}, {"sort": "top", "status": "approved"}, {"status": "pending"}, {"sort": "new", "status": "approved"},
])  # fmt: skip
async def test_a_cursor_is_good_for_its_order_and_its_status_alone(
    mixed: tuple[Forum, dict[str, list[Json]]], wanted: dict[str, str]
) -> None:
    there, _ = mixed
    cursor = (await there.page("host_1", limit=1))["next_cursor"]
    assert_refused(await there.list("host_1", cursor=cursor, **wanted), "validation_error", names="cursor")
    of_those = (await there.page("host_1", limit=1, **wanted))["next_cursor"]
    assert_refused(await there.list("host_1", cursor=of_those), "validation_error", names="cursor")
    answered(await there.list("host_1", cursor=of_those, **wanted), 200)


async def test_saying_the_usual_order_is_saying_nothing(voted: tuple[Forum, list[Json]]) -> None:
    there, questions = voted
    first = await there.page("zoe", limit=3)
    second = await there.page("zoe", limit=100, sort="top", cursor=first["next_cursor"])
    assert ids_of(first, second) == order(questions, "top")


async def test_a_cursor_is_good_for_its_session_and_its_kind_of_list_alone(http: httpx.AsyncClient, tenant: Tenant) -> None:
    here, there = await forum(http, tenant, moderation=False), await forum(http, tenant, moderation=False)
    await here.enter("anna", "ben")
    for _ in range(2):
        await here.asked("anna")
        await there.asked("anna")
    cursor = (await here.page("host_1", limit=1))["next_cursor"]
    assert_refused(await there.list("host_1", cursor=cursor), "validation_error", names="cursor")
    people = await http.get(f"{here.path}/registrations", params={"limit": 1}, headers=tenant.bearer())
    foreign = answered(people, 200)["next_cursor"]
    assert_refused(await here.list("host_1", cursor=foreign), "validation_error", names="cursor")
    changed = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]  # the last letter has bits that mean nothing
    assert_refused(await here.list("host_1", cursor=changed), "validation_error", names="cursor")


async def test_a_moderators_cursor_shows_a_participant_nothing_more(mixed: tuple[Forum, dict[str, list[Json]]]) -> None:
    there, of = mixed
    cursor = (await there.page("host_1", limit=1))["next_cursor"]
    shown = ids_of(await there.page("zoe", limit=100, cursor=cursor))
    assert set(shown) <= {question["id"] for status in ("approved", "answered") for question in of[status]}

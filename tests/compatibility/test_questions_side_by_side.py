"""Questions and votes at today's release, while one that knows neither registers people for the same sessions and edits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.compatibility.releases import Both, broken_promises
from tests.faults.voting import moderate, path_of, question, take_back, vote
from tests.postgres import TestDatabase
from tests.registrations.people import Room, answered, room
from tests.server import AUTHORITIES, running_server
from tests.tenant import Json, Tenant

FRESH = httpx.Limits(keepalive_expiry=1)  # a server closes what is idle for long
FANS = [f"fan_{number:02}" for number in range(20)]


@pytest.fixture(scope="module")
def pair(shared: TestDatabase, tree_before_questions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A process of each on one database."""
    with (
        running_server(shared, tmp_path_factory.mktemp("old"), source=tree_before_questions) as old,
        running_server(shared, tmp_path_factory.mktemp("new")) as new,
    ):
        yield Both(old=old, new=new, tree=tree_before_questions, database=shared)


@pytest.fixture
async def old(pair: Both) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.old.url, timeout=30, limits=FRESH) as client:
        yield client


@pytest.fixture
async def new(pair: Both) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=pair.new.url, timeout=30, limits=FRESH) as client:
        yield client


@pytest.fixture
async def there(old: httpx.AsyncClient, tenant: Tenant) -> Room:
    """A session of the older release, before it begins; anna has a seat."""
    made = await room(old, tenant)
    await made.enter("anna")
    return made


async def ask(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str) -> httpx.Response:
    path = f"/v1/sessions/{session['id']}/questions"
    return await http.post(path, json={"body": "Why?"}, headers=tenant.bearer(user))


async def let_through(http: httpx.AsyncClient, tenant: Tenant, session: Json) -> Json:
    """A question that everybody may vote on who may vote."""
    return answered(await moderate(http, tenant, answered(await ask(http, tenant, session, "host_1"), 201), "approved"), 200)


def refusal(response: httpx.Response) -> str:
    word: str = response.json()["error"]
    return word


async def test_the_older_release_knows_no_questions(old: httpx.AsyncClient, there: Room, tenant: Tenant) -> None:
    """Else everything here would hold, and mean nothing."""
    assert (await ask(old, tenant, there.session, "anna")).status_code == 404


async def test_whom_the_older_release_gives_a_seat_may_ask_and_vote_until_it_is_given_up(
    new: httpx.AsyncClient, there: Room, tenant: Tenant
) -> None:
    asked = await let_through(new, tenant, there.session)
    assert refusal(await vote(new, tenant, asked, "ben")) == "not_joinable"
    await there.enter("ben")
    assert (await vote(new, tenant, asked, "ben")).status_code == 200
    assert (await ask(new, tenant, there.session, "ben")).status_code == 201
    await there.leave("ben")
    assert refusal(await take_back(new, tenant, asked, "ben")) == "not_joinable"
    assert refusal(await ask(new, tenant, there.session, "ben")) == "not_joinable"


async def test_whom_the_older_release_has_put_out_may_not_ask(new: httpx.AsyncClient, there: Room, tenant: Tenant) -> None:
    [cleo] = await there.enter("cleo")
    assert (await there.remove(cleo)).status_code == 200
    assert refusal(await ask(new, tenant, there.session, "cleo")) == "forbidden"


async def test_a_session_that_the_older_release_starts_lets_everybody_vote_and_one_that_it_ends_nobody(
    new: httpx.AsyncClient, there: Room, tenant: Tenant
) -> None:
    asked = await let_through(new, tenant, there.session)
    await there.step("start")
    assert (await vote(new, tenant, asked, "passer_by")).status_code == 200
    await there.step("end")
    assert refusal(await vote(new, tenant, asked, "another")) == "invalid_status"
    assert refusal(await ask(new, tenant, there.session, "anna")) == "invalid_status"


async def test_what_the_older_release_changes_leaves_the_pinned_question_pinned(
    new: httpx.AsyncClient, there: Room, tenant: Tenant, pair: Both
) -> None:
    asked = await let_through(new, tenant, there.session)
    assert (await new.post(f"{path_of(asked)}/pin", headers=tenant.bearer())).status_code == 200
    assert (await there.patch(title="Knees", max_participants=3)).status_code == 200
    await there.enter("dora")
    await there.step("start")
    owner = await asyncpg.connect(pair.database.owner_url)
    pinned = await owner.fetchval("select pinned_question_id from sessions where id = $1", UUID(there.session["id"]))
    await owner.close()
    assert str(pinned) == asked["id"]


async def test_both_show_a_session_with_questions_alike(
    old: httpx.AsyncClient, new: httpx.AsyncClient, there: Room, tenant: Tenant
) -> None:
    asked = await let_through(new, tenant, there.session)
    await vote(new, tenant, asked, "anna")
    shown = [await http.get(there.path, headers=tenant.bearer("anna")) for http in (old, new)]
    assert shown[0].json() == shown[1].json()
    assert shown[0].headers["etag"] == shown[1].headers["etag"]


async def test_people_vote_and_ask_at_one_while_others_register_and_the_host_edits_at_the_other(
    old: httpx.AsyncClient, new: httpx.AsyncClient, tenant: Tenant, pair: Both
) -> None:
    asked = await question(new, tenant)
    session = {"id": asked["session_id"]}
    late = Room(old, tenant, session)
    requests: list[Awaitable[httpx.Response]] = [
        request
        for number, fan in enumerate(FANS)
        for request in (
            vote(new, tenant, asked, fan),
            late.register(fan),
            vote(new, tenant, asked, fan),
            tenant.patch(old, session, {"metadata": {f"{number}": 1}}, Content_Type="application/merge-patch+json"),
            ask(new, tenant, session, fan),
        )
    ]
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {200, 201}
    assert (await vote(new, tenant, asked, FANS[0])).json()["vote_count"] == len(FANS)
    assert (await late.read()).json()["registered_count"] == len(FANS)
    assert pair.old.process.poll() is pair.new.process.poll() is None
    assert broken_promises(pair.tree, pair.database) == set()
    assert broken_promises(None, pair.database) == set()

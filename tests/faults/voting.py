"""People who vote, and what their question holds afterwards."""

from uuid import UUID

import asyncpg
import httpx
import msgspec
from msgspec import Struct

from tests.postgres import TestDatabase
from tests.tenant import Json, Tenant

KEPT = """
select q.vote_count,
    (select array_agg(v.user_id order by v.user_id) from votes v
     where v.brand_id = q.brand_id and v.question_id = q.id) as voters,
    (select array_agg(e.payload -> 'vote_counts' ->> q.id::text order by e.sequence) from all_events_any_brand_v1() e
     where e.session_id = q.session_id and e.payload -> 'vote_counts' ? q.id::text) as told
from questions q where q.id = $1
"""


class KeptVotes(Struct, frozen=True):
    """A question's votes: as it counts them, whose they are, and the counts that were told, in their order."""

    count: int
    voters: list[str]
    told: list[int]


async def question(http: httpx.AsyncClient, tenant: Tenant) -> Json:
    """One that everybody may vote on: its session goes on, and whoever could join may."""
    session = await tenant.session(http, max_participants=10_000)
    assert (await tenant.step(http, session, "start")).is_success
    path = f"/v1/sessions/{session['id']}/questions"
    asked = await http.post(path, json={"body": "Why?"}, headers=tenant.bearer())
    assert asked.is_success, asked.text
    return answered(await moderate(http, tenant, asked.json(), "approved"))


async def moderate(http: httpx.AsyncClient, tenant: Tenant, question: Json, status: str) -> httpx.Response:
    """PATCH, as the host."""
    return await http.patch(path_of(question), json={"status": status}, headers=tenant.bearer())


async def vote(http: httpx.AsyncClient, tenant: Tenant, question: Json, user: str = "ann") -> httpx.Response:
    """PUT, as this person."""
    return await http.put(f"{path_of(question)}/vote", headers=tenant.bearer(user))


async def take_back(http: httpx.AsyncClient, tenant: Tenant, question: Json, user: str = "ann") -> httpx.Response:
    """DELETE, as this person."""
    return await http.delete(f"{path_of(question)}/vote", headers=tenant.bearer(user))


async def kept_votes(database: TestDatabase, question: Json) -> KeptVotes:
    """The votes of the question as its rows say."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        row = await connection.fetchrow(KEPT, UUID(question["id"]))
    finally:
        await connection.close()
    assert row is not None
    return KeptVotes(row["vote_count"], list(row["voters"] or ()), [int(count) for count in row["told"] or ()])


def answered(response: httpx.Response) -> Json:
    """The body of an answer that is a success."""
    assert response.is_success, response.text
    body: Json = msgspec.json.decode(response.content)
    return body


def path_of(question: Json) -> str:
    """The question's own."""
    return f"/v1/sessions/{question['session_id']}/questions/{question['id']}"

"""A session, who asks there, who votes and who moderates, over HTTP; and the rows that say what became of it."""

import json
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from greenroom.questions.schemas import QuestionStatus
from tests.postgres import Owner
from tests.registrations.people import PAYLOADS, USUAL_SCOPE, Room, answered
from tests.session_settings.said import session_says
from tests.tenant import Json, Tenant

# What moderators do to a new question of a moderated session, one after the other, until it is so.
STATUSES: Final[dict[QuestionStatus, list[QuestionStatus]]] = {
    "pending": [], "approved": ["approved"], "dismissed": ["dismissed"], "answered": ["approved", "answered"],
}  # fmt: skip


class Forum(Room, frozen=True):
    """A session as those see it who ask, vote and moderate. A question is what an answer said of it."""

    async def ask(self, user: str = "anna", body: Any = "Why?", *, scope: str = USUAL_SCOPE, **headers: str) -> httpx.Response:
        """POST questions."""
        named = self.tenant.bearer(user, scope=scope, **headers)
        return await self.http.post(f"{self.path}/questions", json={"body": body}, headers=named)

    async def asked(self, user: str = "anna", body: str = "Why?") -> Json:
        """A question, as the session's settings have it."""
        return answered(await self.ask(user, body), 201)

    async def question(self, user: str = "anna", body: str = "Why?", *, status: QuestionStatus = "approved") -> Json:
        """A question of a moderated session that its host has brought to this status."""
        question = await self.asked(user, body)
        for step in STATUSES[status]:
            question = answered(await self.moderate(question, step), 200)
        return question

    def path_of(self, question: Json) -> str:
        """The question's own."""
        return f"{self.path}/questions/{question['id']}"

    async def moderate(
        self, question: Json, status: str | None, *, user: str = "host_1", scope: str = USUAL_SCOPE, **headers: str
    ) -> httpx.Response:
        """PATCH the question; without a status nothing is said."""
        said = {} if status is None else {"status": status}
        return await self.http.patch(
            self.path_of(question), json=said, headers=self.tenant.bearer(user, scope=scope, **headers)
        )

    async def vote(self, question: Json, user: str = "ben", *, scope: str = USUAL_SCOPE) -> httpx.Response:
        """PUT vote."""
        return await self.http.put(f"{self.path_of(question)}/vote", headers=self.tenant.bearer(user, scope=scope))

    async def take_back(self, question: Json, user: str = "ben", *, scope: str = USUAL_SCOPE) -> httpx.Response:
        """DELETE vote."""
        return await self.http.delete(f"{self.path_of(question)}/vote", headers=self.tenant.bearer(user, scope=scope))

    async def voted(self, question: Json, *users: str) -> None:
        """They vote for it one after the other."""
        for user in users:
            answered(await self.vote(question, user), 200)

    async def pin(self, question: Json, *, user: str = "host_1", scope: str = USUAL_SCOPE, **headers: str) -> httpx.Response:
        """POST pin."""
        named = self.tenant.bearer(user, scope=scope, **headers)
        return await self.http.post(f"{self.path_of(question)}/pin", headers=named)

    async def unpin(self, question: Json, *, user: str = "host_1", scope: str = USUAL_SCOPE, **headers: str) -> httpx.Response:
        """DELETE pin."""
        named = self.tenant.bearer(user, scope=scope, **headers)
        return await self.http.delete(f"{self.path_of(question)}/pin", headers=named)

    async def list(self, user: str = "host_1", *, scope: str = USUAL_SCOPE, **parameters: str | int) -> httpx.Response:
        """GET questions."""
        named = self.tenant.bearer(user, scope=scope)
        return await self.http.get(f"{self.path}/questions", params=parameters, headers=named)

    async def page(self, user: str = "host_1", *, scope: str = USUAL_SCOPE, **parameters: str | int) -> Json:
        """A page of the list."""
        return answered(await self.list(user, scope=scope, **parameters), 200)

    async def seen(self, question: Json, user: str = "host_1", *, scope: str = USUAL_SCOPE) -> Json | None:
        """The question as the list shows it to this person, if it does."""
        page = await self.page(user, scope=scope, limit=100)
        return next((one for one in page["questions"] if one["id"] == question["id"]), None)

    async def says(self, **settings: Any) -> None:
        """The host changes the session's settings."""
        await session_says(self.http, self.tenant, self.session, **settings)

    async def everybody(self) -> None:
        """A co-host beside the host; the only seat is anna's, ben stands in line, rosa was removed. For one seat alone."""
        answered(await self.http.put(f"{self.path}/co-hosts/host_2", headers=self.tenant.bearer()), 200)
        [removed] = await self.enter("rosa")
        answered(await self.remove(removed), 200)
        seated, waiting = await self.enter("anna", "ben")
        assert (seated["status"], waiting["status"]) == ("registered", "waitlist")

    async def comes_to(self, status: str) -> None:
        """A scheduled session becomes live, ended or cancelled."""
        for step in {"scheduled": [], "live": ["start"], "ended": ["start", "end"], "cancelled": ["cancel"]}[status]:
            await self.step(step)


async def forum(http: httpx.AsyncClient, tenant: Tenant, *, seats: int = 100, starts: bool = True, **settings: Any) -> Forum:
    """A session of so many free seats that goes on, unless it shall not start yet: whoever comes may ask and vote."""
    there = Forum(http, tenant, await tenant.session(http, max_participants=seats))
    if settings:
        await there.says(**settings)
    if starts:
        await there.step("start")
    return there


def ids_of(*pages: Json) -> list[str]:
    """Which questions stand on the pages, in their order."""
    return [question["id"] for page in pages for question in page["questions"]]


class Done(Struct, frozen=True):
    """An audit row of a question."""

    version: int
    action: str
    changed: list[str]
    by: str


async def audit_of(owner: Owner, question: Json) -> list[Done]:
    """The question's audit, by version."""
    rows = await owner.fetch(
        "select entity_version, action, changed, actor_user_id from audit_log"
        " where entity = 'question' and entity_id = $1 order by entity_version", UUID(question["id"]),
    )  # fmt: skip
    return [Done(*row) for row in rows]


async def events_of(owner: Owner, forum: Forum) -> list[tuple[str, Json]]:
    """What was told of the session's questions, in its order, without the session's id; by payloads of the catalogue."""
    rows = await owner.fetch(
        "select name, payload::text from all_events_any_brand_v1()"
        " where session_id = $1 and name like 'live.question.%' order by sequence", UUID(forum.session["id"]),
    )  # fmt: skip
    for name, payload in rows:
        msgspec.json.decode(payload, type=PAYLOADS[name])
    told = [(name.removeprefix("live.question.").removesuffix(".v1"), json.loads(payload)) for name, payload in rows]
    assert all(payload.pop("session_id") == forum.session["id"] for _, payload in told)
    return told


async def questions_of(owner: Owner, forum: Forum) -> list[tuple[str, str, int]]:
    """Who asked, the status and the votes of each of the session's questions, in the order in which they were asked."""
    rows = await owner.fetch(
        "select asker_user_id, status, vote_count from questions where session_id = $1 order by position",
        UUID(forum.session["id"]),
    )
    return [tuple(row) for row in rows]

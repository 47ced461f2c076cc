"""A session that people watch: what they do in it over HTTP, and how they come to watch it."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from tests.server import Server
from tests.stream.listening import Listener, listening, stream_of
from tests.tenant import Json, Tenant

HOST = "host_1"


class Stage:
    """One session of a brand. Whoever is not named is its host."""

    def __init__(self, server: Server, http: httpx.AsyncClient, tenant: Tenant, session: Json) -> None:
        self.server = server
        self.http = http
        self.tenant = tenant
        self.session = session
        self._bell: Json | None = None
        self._rings = 0

    @property
    def path(self) -> str:
        """Where the session is."""
        return f"/v1/sessions/{self.session['id']}"

    def watching(
        self, user: str = "ann", *, scope: str = "read:live write:live", last_id: str | None = None, receives: int | None = None
    ) -> AbstractAsyncContextManager[Listener]:
        """Somebody watches; with `last_id` they come back."""
        resuming = {} if last_id is None else {"Last-Event-ID": last_id}
        headers = {**self.tenant.bearer(user, scope=scope), **resuming}
        return listening(self.server.port, stream_of(self.session), headers, receives=receives)

    async def seen_by(self, user: str = "ann", *, scope: str = "read:live write:live") -> Listener:
        """What somebody who comes now is told first."""
        async with self.watching(user, scope=scope) as listener:
            await listener.begun()
            return listener

    async def ask(self, body: str = "Why?", *, user: str = "ann") -> Json:
        """A question, which waits to be approved."""
        return await self._done("POST", "/questions", user=user, status=201, json={"body": body})

    async def asked(self, body: str = "Why?", *, user: str = "ann") -> Json:
        """A question that was approved."""
        question = await self.ask(body, user=user)
        return await self.judge(question, "approved")

    async def judge(self, question: Json, status: str, *, user: str = HOST) -> Json:
        """The question, approved, answered or dismissed."""
        return await self._done("PATCH", f"/questions/{question['id']}", user=user, json={"status": status})

    async def vote(self, question: Json, *, user: str, method: str = "PUT") -> Json:
        """A vote for the question; DELETE takes it back."""
        return await self._done(method, f"/questions/{question['id']}/vote", user=user)

    async def pin(self, question: Json, *, method: str = "POST") -> Json:
        """The question is pinned; DELETE unpins it."""
        return await self._done(method, f"/questions/{question['id']}/pin")

    async def hung(self) -> Json:
        """A question of the host's that is there to be voted on: by its votes one knows that all before them was told."""
        self._bell = await self.asked("The bell", user=HOST)
        await asyncio.sleep(0.5)  # for a position: then nothing is told of it any more
        return self._bell

    async def ring(self, *listeners: Listener) -> None:
        """Return when those who listen have been told all that they will be told of what has happened by now."""
        assert self._bell is not None
        bell = self._bell["id"]

        def has_rung(one: Listener) -> bool:
            """By an event `votes`, or all anew: in a question's own event the count may be ahead of what else is told."""
            anew = [event.data["questions"] for event in one.events[1:] if event.name == "snapshot"]
            return any(told["counts"].get(bell) == self._rings for told in one.named("votes")) or any(
                question["id"] == bell and question["vote_count"] == self._rings for told in anew for question in told
            )

        for may_be_merged in (True, False):  # where the bell's own event is told late, the first vote is told by it
            self._rings += 1
            await self.vote(self._bell, user=f"ringer {self._rings}")
            try:
                async with asyncio.TaskGroup() as waiting:
                    for one in listeners:
                        waiting.create_task(one.until(lambda one=one: has_rung(one), "the bell"))  # type: ignore[misc]
            except* AssertionError:
                if not may_be_merged:
                    raise
            else:
                break

    async def edit(self, **fields: Any) -> Json:
        """The session, with other fields."""
        return await self._done("PATCH", "", json=fields)

    async def co_host(self, user: str, *, method: str = "PUT") -> None:
        """Somebody co-hosts it; with DELETE no longer."""
        response = await self.http.request(method, f"{self.path}/co-hosts/{user}", headers=self.tenant.bearer())
        assert response.is_success, response.text

    async def step(self, verb: str) -> Json:
        """Start, end or cancel it."""
        return await self._done("POST", f"/{verb}")

    async def say(self, **settings: Any) -> Json:
        """The session says how it runs."""
        return await self._done("PATCH", "/settings", json=settings)

    async def brand_says(self, **settings: Any) -> None:
        """The brand says how its sessions run."""
        response = await self.http.patch(
            "/v1/brand/settings", json=settings, headers=self.tenant.bearer("admin", scope="admin:live")
        )
        assert response.status_code == 200, response.text

    async def register(self, user: str) -> Json:
        """A registration, or a place in the line."""
        return await self._done("POST", "/registrations", user=user, status=201, json={})

    async def cancel(self, user: str) -> None:
        """Somebody's registration is cancelled."""
        response = await self.http.delete(f"{self.path}/registrations/me", headers=self.tenant.bearer(user))
        assert response.is_success, response.text

    async def ticket(self, user: str = "ann", *, scope: str = "read:live write:live") -> Json:
        """A ticket for a browser."""
        response = await self.http.post(f"{self.path}/stream-ticket", headers=self.tenant.bearer(user, scope=scope))
        assert response.status_code == 200, response.text
        given: Json = response.json()
        return given

    async def _done(self, method: str, path: str, *, user: str = HOST, status: int = 200, json: Any = None) -> Json:
        response = await self.http.request(method, self.path + path, json=json, headers=self.tenant.bearer(user))
        assert response.status_code == status, response.text
        done: Json = response.json()
        return done


async def staged(server: Server, http: httpx.AsyncClient, tenant: Tenant, *, live: bool = True, **fields: Any) -> Stage:
    """A session, live unless said otherwise."""
    stage = Stage(server, http, tenant, await tenant.session(http, **fields))
    if live:
        await stage.step("start")
    return stage

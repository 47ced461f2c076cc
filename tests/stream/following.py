"""A client that comes again whenever it was cut off, to the next process of those there are; and a stormy session to watch."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count, cycle

import httpx

from tests.faults.waiting import eventually
from tests.server import AUTHORITIES, Server
from tests.stream.listening import Known, Listener, Told, listening, stream_of
from tests.stream.stage import HOST
from tests.tenant import Json, Tenant

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.1
PACE_SECONDS = 0.04
VOTES = 4  # at once


class Follower:
    """As a browser does: what it knows stays when the connection breaks, and it comes back with the last id it has seen."""

    def __init__(self, user: str, tenant: Tenant, session: Json, servers: Sequence[Server]) -> None:
        self.user = user
        self.known = Known()
        self.seen: set[str] = set()  # every question that was ever shown
        self.began: list[str] = []  # with which event each connection did
        self.endings: list[str | None] = []
        self._bearer = tenant.bearer(user)
        self._session = session
        self._ports = cycle([server.port for server in servers])
        self._last_id: str | None = None
        self._listener: Listener | None = None

    async def begun(self, *, connections: int = 1) -> None:
        """Return when so many connections have begun."""

        async def has_begun() -> bool:
            return len(self.began) >= connections

        await eventually(has_begun, f"{self.user} has come {connections} times")

    def cut(self) -> None:
        """The connection breaks."""
        if self._listener is not None:
            self._listener.close()

    async def follow(self) -> None:
        """Watch for ever."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):  # nobody listens there, or was killed as it answered
                await self._watch(next(self._ports))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _watch(self, port: int) -> None:
        resuming = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        async with listening(port, stream_of(self._session), {**self._bearer, **resuming}) as self._listener:
            heard = 0
            while heard < len(self._listener.events) or self._listener.ending is None:
                for told in self._listener.events[heard:]:
                    self._hear(told, is_first=not heard)
                    heard += 1
                await asyncio.sleep(0.01)
            self.endings.append(self._listener.ending)

    def _hear(self, told: Told, *, is_first: bool) -> None:
        if is_first:
            self.began.append(told.name)
        self._last_id = told.id or self._last_id
        self.known.hear(told.name, told.data)
        self.seen.update(self.known.questions)


class Storm:
    """A session in which much happens at once, by whichever process answers; what was acknowledged is kept account of."""

    def __init__(self, servers: Sequence[Server], tenant: Tenant, session: Json) -> None:
        self.tenant = tenant
        self.session = session
        self.approved: list[str] = []
        self.rounds = 0
        self.failed = 0
        self._urls = [server.url for server in servers]
        self._numbers = count(1)
        self._stack = AsyncExitStack()
        self._clients: list[httpx.AsyncClient] = []

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.session['id']}"

    async def open(self) -> None:
        """Clients of each process, who do not keep their connections: those of a process that is killed are lost."""
        limits = httpx.Limits(max_keepalive_connections=0)
        for url in self._urls:
            client = httpx.AsyncClient(verify=AUTHORITIES, base_url=url, timeout=30, limits=limits)
            self._clients.append(await self._stack.enter_async_context(client))

    async def close(self) -> None:
        await self._stack.aclose()

    async def rage(self, rounds: int) -> None:
        """So many questions are asked; most are let through and voted on, some are pinned, answered, dismissed."""
        for _ in range(rounds):
            number = next(self._numbers)
            question = await self.do("POST", "/questions", user=f"asker_{number}", json={"body": f"What is {number}?"})
            if question is not None:
                status = "dismissed" if number % 5 == 0 else "approved"
                judged = await self.do("PATCH", f"/questions/{question['id']}", json={"status": status})
                if judged is not None and status == "approved":
                    self.approved.append(question["id"])
            await self._around(number)
            self.rounds += 1
            await asyncio.sleep(PACE_SECONDS)

    async def reaches(self, rounds: int) -> None:
        """Return when it has raged for so many rounds."""

        async def has_reached() -> bool:
            return self.rounds >= rounds

        await eventually(has_reached, f"round {rounds}", seconds=PATIENCE_SECONDS)

    async def _around(self, number: int) -> None:
        if not self.approved:
            return
        latest, other = self.approved[-1], self.approved[number * 7 % len(self.approved)]
        voters = [f"fan_{number}_{n}" for n in range(VOTES)]
        await asyncio.gather(
            *(self.do("PUT", f"/questions/{one}/vote", user=user) for user in voters for one in {latest, other})
        )
        if number % 3 == 0:
            await self.do("DELETE", f"/questions/{other}/vote", user=voters[0])
        if number % 4 == 0:
            await self.do("POST", f"/questions/{other}/pin")
        if number % 6 == 0:
            await self.do("PATCH", f"/questions/{other}", json={"status": "answered"})
        if number % 7 == 0:
            await self.do("PATCH", "", json={"title": f"The title after {number}"})

    async def do(self, method: str, path: str, *, user: str = HOST, json: Json | None = None) -> Json | None:
        """What was answered; None where it was refused, or nobody could answer."""
        for client in self._clients[next(self._numbers) % 2 :] + self._clients[:1]:
            with suppress(httpx.TransportError):
                answer = await client.request(method, self.path + path, json=json, headers=self.tenant.bearer(user))
                assert answer.status_code in {200, 201, 412, 503}, answer.text
                done: Json | None = answer.json() if answer.is_success else None
                return done
            self.failed += 1
        return None

    async def truth(self, user: str) -> Json:
        """What a client must know in the end: the list and the session, as they are answered."""
        listed = await self._get("/questions", user=user, params={"limit": "100"})
        session = await self._get("", user=user)
        shown = [one for one in listed["questions"] if one["status"] != "dismissed"]
        pinned = [one["id"] for one in shown if one["is_pinned"]]
        return {
            "questions": {one["id"]: _plain(one) for one in shown},
            "pinned": pinned[0] if pinned else None,
            "title": session["title"],
            "status": session["status"],
        }

    async def _get(self, path: str, *, user: str, params: dict[str, str] | None = None) -> Json:
        for client in self._clients:
            with suppress(httpx.TransportError):
                answer = await client.get(self.path + path, params=params, headers=self.tenant.bearer(user))
                found: Json = answer.json()
                return found
        raise AssertionError("no process answers")


def told_to(follower: Follower) -> Json:
    """The same of what a client knows."""
    known = follower.known
    return {
        "questions": {name: _plain(one) for name, one in known.questions.items()},
        "pinned": known.pinned,
        "title": known.session["title"],
        "status": known.session["status"],
    }


def _plain(question: Json) -> Json:
    return {name: question[name] for name in ("body", "status", "vote_count", "asker_user_id", "moderated_at")}


@asynccontextmanager
async def followed(storm: Storm, ways: Mapping[str, Sequence[Server]]) -> AsyncIterator[dict[str, Follower]]:
    """People follow the session, each by the processes in the order that is theirs."""
    followers = {user: Follower(user, storm.tenant, storm.session, servers) for user, servers in ways.items()}
    tasks = [asyncio.create_task(one.follow()) for one in followers.values()]
    try:
        for one in followers.values():
            await one.begun()
        yield followers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

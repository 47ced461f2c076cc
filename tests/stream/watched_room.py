"""A real session beside its model: people act in it and watch it, and nobody is told what the model does not let them see."""

from asyncio import sleep
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import count
from uuid import uuid4

import httpx

from greenroom.kit.ids import BrandId
from tests.server import AUTHORITIES, Server
from tests.stream.listening import Known, Listener, Told, listening, stream_of
from tests.stream.room import (
    ANN,
    BECOMES,
    OUTSIDER,
    PEOPLE,
    Act,
    Room,
    asking,
    listed_of,
    said_in,
    switch,
    view_of,
)
from tests.tenant import Json, Tenant

SETTLED_SECONDS = 8.0
WAIT_SECONDS = 0.06
METHODS = {"vote": ("PUT", "vote"), "take_back": ("DELETE", "vote"), "pin": ("POST", "pin"), "unpin": ("DELETE", "pin")}


class Viewer:
    """One who watches, now and then: what was heard over all connections, and what it was ever allowed to be."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.allowed: set[str] = set()
        self.listener: Listener | None = None
        self.connection = AsyncExitStack()
        self._past: list[Told] = []
        self._judged = 0

    @property
    def heard(self) -> list[Told]:
        """All that makes up what this client knows."""
        return [*self._past, *(self.listener.events if self.listener else [])]

    @property
    def known(self) -> Known:
        """What the client knows."""
        return known_by(self.heard)

    def unjudged(self) -> list[Told]:
        """What came since this was asked for the last time."""
        new = self.listener.events[self._judged :] if self.listener else []
        self._judged += len(new)
        return new

    def go_back(self, *, to: int | None) -> str | None:
        """Forget what came after a write, counted from the first; None: everything. Answers the id to come back with."""
        heard = self.heard
        ends = [place for place, told in enumerate(heard, start=1) if told.id is not None]
        place = 0 if to is None or not ends else ends[to % len(ends)]
        self._past = heard[:place]
        return heard[place - 1].id if place else None

    async def leave(self) -> None:
        """Hang up."""
        self._past = self.heard
        self.listener = None
        self._judged = 0
        await self.connection.aclose()


class WatchedRoom:
    """The session, its model, and who watches it by one process or another."""

    def __init__(self, servers: Sequence[Server], http: httpx.AsyncClient, tenant: Tenant, session: Json) -> None:
        self.servers = servers
        self.http = http
        self.tenant = tenant
        self.session = session
        self.room = Room()
        self.viewers = {who: Viewer(who) for who in PEOPLE}
        self._numbers = count(1)
        self._mark = uuid4().hex[:8]

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.session['id']}"

    @property
    def admin_path(self) -> str:
        return f"/v1/admin/sessions/{self.session['id']}"

    def bearer(self, who: str) -> dict[str, str]:
        return self.tenant.bearer(who, scope="read:live" if who == OUTSIDER else "read:live write:live")

    async def perform(self, act: Act) -> None:
        """It is answered as the model says; what was told before it happened was allowed before it happened."""
        viewer = self.viewers[act.who]
        match act.verb:
            case "wait":
                await sleep(WAIT_SECONDS * act.number)
            case "read":
                await self.read(act.who)
            case "leave":
                self.judge()
                await viewer.leave()
            case "come":
                await self.come(viewer, back_to=None, server=act.number)
            case "come_back":
                await self.come(viewer, back_to=act.number, server=act.number)
            case _:
                await self._act(act)

    async def come(self, viewer: Viewer, *, back_to: int | None, server: int) -> None:
        """Watch from the beginning or from an earlier write on; what comes first is nothing but what may be seen now.

        A snapshot is all of it, too; of what changed meanwhile some may come a moment later.
        """
        self.judge()
        await viewer.leave()
        last_id = viewer.go_back(to=back_to)
        past = viewer.heard
        watching = self.watching(viewer.who, last_id=last_id, server=server)
        viewer.listener = await viewer.connection.enter_async_context(watching)
        await viewer.listener.begun()
        first = viewer.listener.events[: viewer.listener.names.index("me") + 1]
        allowed = set(self.room.secrets(viewer.who))
        for told in first:
            self._judge_event(viewer, told, allowed)
        expected = self.room.view(viewer.who)
        known = view_of(known_by([*past, *first]))
        assert (known.own, known.is_moderator) == (expected.own, expected.is_moderator), (viewer.who, first)
        assert known == expected or first[0].name != "snapshot", (viewer.who, first)

    def watching(self, who: str, *, last_id: str | None = None, server: int = 0) -> AbstractAsyncContextManager[Listener]:
        """A connection, of whose events nothing is asserted."""
        resuming = {} if last_id is None else {"Last-Event-ID": last_id}
        port = self.servers[server % len(self.servers)].port
        return listening(port, stream_of(self.session), {**self.bearer(who), **resuming})

    async def read(self, who: str) -> None:
        """The list says what the model does."""
        answer = await self.http.get(f"{self.path}/questions", params={"limit": 100}, headers=self.bearer(who))
        assert listed_of(answer.json()) == self.room.listed(who), who

    async def settle(self, *, seconds: float = SETTLED_SECONDS) -> None:
        """Who has left comes back; in the end everybody knows what the model says, and so does the list."""
        for number, viewer in enumerate(self.viewers.values()):
            if viewer.listener is None:
                await self.come(viewer, back_to=-1, server=number)
        session = (await self.http.get(self.path, headers=self.bearer(ANN))).json()
        for who, viewer in self.viewers.items():
            await self.settle_one(who, seconds=seconds)
            assert viewer.known.session == {name: session[name] for name in viewer.known.session}
            assert viewer.known.me["user_id"] == who
            await self.read(who)
        self.judge()

    async def settle_one(self, who: str, *, seconds: float = SETTLED_SECONDS) -> None:
        """Somebody who is there soon knows what the model says."""
        viewer, expected = self.viewers[who], self.room.view(who)
        if viewer.listener is None:
            raise AssertionError(f"{who} is not there")
        try:
            await viewer.listener.until(lambda: view_of(viewer.known) == expected, f"{who} knows all", seconds=seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}\nknown: {view_of(viewer.known)}\nmodel: {expected}") from None

    def judge(self) -> None:
        """Nobody was told anything that they might not be told by now."""
        for viewer in self.viewers.values():
            for told in viewer.unjudged():
                self._judge_event(viewer, told, viewer.allowed)

    def _judge_event(self, viewer: Viewer, told: Told, allowed: set[str]) -> None:
        if told.name == "question" and told.data["change"] == "removed":
            allowed = viewer.allowed  # that it is gone is said to whoever may have seen it
        leaked = self._secrets().intersection(said_in(told.data)) - allowed
        assert not leaked, f"{viewer.who} was told {leaked} by {told}"

    def _secrets(self) -> set[str]:
        asked = [text for one in self.room.questions for text in (one.body, one.id, asking(one.id, one.asker))]
        return {*PEOPLE, *asked}

    def _allow(self) -> None:
        for viewer in self.viewers.values():
            viewer.allowed.update(self.room.secrets(viewer.who))

    async def _act(self, act: Act) -> None:
        one = self.room.chosen(act.number)
        if one is None and act.verb in {*BECOMES, *METHODS}:
            return
        question = "" if one is None else f"{self.path}/questions/{one.id}"
        body = f"question {next(self._numbers)} of {self._mark}"
        self.judge()
        expected = self.room.perform(act, body)
        self._allow()
        answer = await self._request(act, question, body)
        assert answer.status_code == expected, (act, answer.text)
        if expected == httpx.codes.CREATED:
            self.room.questions[-1].id = answer.json()["id"]
            self._allow()

    async def _request(self, act: Act, question: str, body: str) -> httpx.Response:
        headers = self.bearer(act.who)
        json: Json = {}
        method, path = "PATCH", f"{self.path}/settings"
        match act.verb:
            case "ask":
                method, path, json = "POST", f"{self.path}/questions", {"body": body}
            case "approve" | "dismiss" | "answer":
                path, json = question, {"status": BECOMES[act.verb]}
            case "anonymous":
                json = {"anonymous": switch(act.number)}
            case "moderation":
                json = {"moderation": self.room.moderation}
            case "brand_anonymous":
                path, json, headers = "/v1/brand/settings", {"anonymous": switch(act.number)}, admin_of(self.tenant)
            case "co_host":
                path, json, headers = self.admin_path, {"co_host_ids": self.room.co_hosts}, admin_of(self.tenant)
            case _:
                method, what = METHODS[act.verb]
                path = f"{question}/{what}"
        return await self.http.request(method, path, json=json or None, headers=headers)


def admin_of(tenant: Tenant) -> dict[str, str]:
    """The headers of an administrator whose minute nobody else uses up."""
    return tenant.bearer(f"admin of {tenant.brand}", scope="admin:live")


def known_by(heard: Sequence[Told]) -> Known:
    """What a client knows by these events."""
    known = Known()
    for told in heard:
        known.hear(told.name, told.data)
    return known


@asynccontextmanager
async def watched_room(servers: Sequence[Server]) -> AsyncIterator[WatchedRoom]:
    """A live session of a brand of its own, with a co-host and somebody who has a seat; everybody watches it."""
    tenant = Tenant(BrandId(f"brand-{uuid4().hex[:12]}"))
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=servers[0].url, timeout=30) as http, AsyncExitStack() as stack:
        session = await tenant.session(http)
        it = WatchedRoom(servers, http, tenant, session)
        named = await http.patch(it.admin_path, json={"co_host_ids": it.room.co_hosts}, headers=admin_of(tenant))
        assert named.status_code == 200, named.text
        assert (await http.post(f"{it.path}/registrations", json={}, headers=it.bearer(ANN))).status_code == 201
        assert (await tenant.step(http, session, "start")).status_code == 200
        for number, viewer in enumerate(it.viewers.values()):
            viewer.allowed.update(it.room.secrets(viewer.who))
            stack.push_async_callback(viewer.leave)
            await it.come(viewer, back_to=None, server=number)
        yield it

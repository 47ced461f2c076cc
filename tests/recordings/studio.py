"""A server whose sessions have builtin rooms, and hosts' browsers that record: what they send is sent here over HTTP."""

import base64
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx

from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Visitor, visiting
from tests.wire import id_of

PART = 1_764_406_800_000
PIECE_OCTETS = 4_000
OURS = {"GREENROOM_VIDEO_PROVIDER": "builtin"}

SETTLED = "select state = 'ready' and due_at = 'infinity' from room_recordings where id = $1"
UNRECORDED = "update calls set records = false where brand_id = $1 and id = $2"


class Recorder:
    """A host's browser."""

    def __init__(self, visitor: Visitor, session: str, proof: str) -> None:
        self.visitor = visitor
        self.session = session
        self.proof = proof
        self.id = ""

    @property
    def path(self) -> str:
        """Where the recording is."""
        return f"/s/{self.session}/room/recordings"

    async def begin(self) -> httpx.Response:
        """Begin one."""
        answer = await self.visitor.ask(self.path, {"csrf": self.proof})
        if answer.is_success:
            self.id = answer.json()["id"]
        return answer

    async def bring(
        self, octets: bytes, number: int | str, *, part: int | str = PART, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Bring a piece."""
        path = f"{self.path}/{self.id}/parts/{part}/pieces/{number}"
        return await self.visitor.http.put(path, content=octets, headers={**self.headers_of(octets), **(headers or {})})

    def headers_of(self, octets: bytes) -> dict[str, str]:
        """What goes with a piece."""
        return {
            "sec-fetch-site": "same-origin",
            "accept": "application/json",
            "content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(octets).digest()).decode()}:",
            "x-form-proof": self.proof,
        }

    async def bring_all(self, octets: bytes, *, part: int = PART) -> int:
        """Bring a part; answers how many pieces it has."""
        pieces = pieces_of(octets)
        for number, piece in enumerate(pieces):
            answer = await self.bring(piece, number, part=part)
            assert answer.status_code == 204, answer.text
        return len(pieces)

    async def finish(self, parts: Mapping[int, int]) -> httpx.Response:
        """That was all."""
        said = " ".join(f"{part}:{pieces}" for part, pieces in parts.items())
        return await self.visitor.ask(f"{self.path}/{self.id}/finish", {"csrf": self.proof, "parts": said})

    async def record(self, *films: bytes) -> str:
        """The whole of it: begin, bring each film as a part, finish; answers the recording's id."""
        begun = await self.begin()
        assert begun.status_code == 200, begun.text
        parts = {PART + place: await self.bring_all(one, part=PART + place) for place, one in enumerate(films)}
        finished = await self.finish(parts)
        assert finished.status_code == 204, finished.text
        return self.id


class Studio:
    """A brand at a server."""

    def __init__(self, server: Server, tenant: Tenant, http: httpx.AsyncClient, owner: Owner, windows: AsyncExitStack) -> None:
        self.server = server
        self.tenant = tenant
        self.http = http
        self.owner = owner
        self._windows = windows

    async def session(self, *, records: bool = True, is_live: bool = True) -> Json:
        """A session whose room its host has joined, by a token alone."""
        begins = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        session = await self.tenant.session(self.http, scheduled_at=begins)
        path, headers = f"/v1/sessions/{session['id']}/join", self.tenant.bearer()
        joined = await self.http.post(path, json={"user_id": "host_1"}, headers=headers)
        assert joined.status_code == 200, joined.text
        if not records:
            await self.owner.execute(UNRECORDED, self.tenant.brand, id_of(session))
        if is_live:
            await self.step(session, "start")
        return session

    async def step(self, session: Json, verb: str) -> None:
        """Start it, or end it."""
        answer = await self.tenant.step(self.http, session, verb)
        assert answer.status_code == 200, answer.text

    async def recorder(self, session: Json, user: str = "host_1", *, brand: str | None = None) -> Recorder:
        """Somebody's browser at this session's page."""
        visitor = await self._windows.enter_async_context(visiting(self.server.url, user, brand or self.tenant.brand))
        page = await visitor.get(f"/s/{session['id']}" if brand is None else "/")
        return Recorder(visitor, session["id"], str(page.all("input[name=csrf]")[0]["value"]))

    async def recordings(self, session: Json) -> list[Json]:
        """The session's recordings."""
        answer = await self.http.get(f"/v1/sessions/{session['id']}/recordings", headers=self.tenant.bearer())
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["recordings"]
        return found

    async def seen(self, session: Json) -> Json:
        """The session as it is now."""
        answer = await self.http.get(f"/v1/sessions/{session['id']}", headers=self.tenant.bearer())
        found: Json = answer.json()
        return found

    async def until(self, session: Json, *states: str) -> list[Json]:
        """The session's recordings, once their states are these."""

        async def reached() -> bool:
            return sorted(one["state"] for one in await self.recordings(session)) == sorted(states)

        await eventually(reached, f"the recordings are {states}", seconds=60)
        return await self.recordings(session)

    async def settled(self, recording: str) -> None:
        """Return once nothing more is done with it: sessions show that it is ready before its pieces are deleted."""

        async def is_settled() -> bool:
            return bool(await self.owner.fetchval(SETTLED, recording))

        await eventually(is_settled, "it is settled")

    async def watched(self, url: str, **headers: str) -> httpx.Response:
        """What somebody gets who has the address, and nothing else."""
        async with self.nobody() as nobody:
            return await nobody.get(url, headers=headers)

    def nobody(self) -> httpx.AsyncClient:
        """A client of whom nothing is known."""
        return httpx.AsyncClient(verify=AUTHORITIES, timeout=30)


def pieces_of(octets: bytes) -> Sequence[bytes]:
    """As a recorder hands them over: anywhere."""
    return [octets[place : place + PIECE_OCTETS] for place in range(0, len(octets), PIECE_OCTETS)]


@contextmanager
def running_studio(database: TestDatabase, directory: Path, **settings: str) -> Iterator[Server]:
    """A server that keeps recordings in a directory of its own."""
    home = directory / "home"
    home.mkdir(exist_ok=True)
    with running_server(database, directory, settings={**OURS, "GREENROOM_DATA_DIR": str(home), **settings}) as server:
        yield server


@asynccontextmanager
async def in_studio(server: Server, database: TestDatabase, tenant: Tenant) -> AsyncIterator[Studio]:
    """A brand of its own at a server that runs."""
    owner = await asyncpg.connect(database.owner_url)
    async with AsyncExitStack() as windows, httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
        try:
            yield Studio(server, tenant, http, owner, windows)
        finally:
            await owner.close()

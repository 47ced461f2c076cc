"""A contest for the seats of a session, and what is wrong when it is over."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import httpx
import msgspec

from greenroom.identity.caller import Caller
from greenroom.invariants import service as invariants
from greenroom.kit.database import Database
from greenroom.kit.ids import ClientId, RequestId, SessionId, UserId, new_id
from greenroom.registrations import queries
from greenroom.registrations.queries import Registering
from tests.concurrency.history import Contest
from tests.concurrency.story import Told, retold
from tests.tenant import Json


class Hall(Contest, frozen=True):
    """Two processes, and people who want to sit; `db` is as the service has it."""

    db: Database

    async def filled(self, *seated: str, line: Sequence[str] = (), capacity: int | None = None) -> Json:
        """A session in which these have the seats, as many as there are, and those stand in line."""
        session = await self.tenant.session(self.http, max_participants=capacity or len(seated))
        if seated:
            known_id = SessionId(UUID(session["id"]))
            them = [self._registering(user) for user in (*seated, *line)]
            done = await queries.register(self.db, self.tenant.brand, known_id, them)
            given = [outcome.registration.status for outcome in done if outcome.registration]
            assert given == ["registered"] * len(seated) + ["waitlist"] * len(line)
        return session

    def _registering(self, user: str) -> Registering:
        return Registering(
            id=new_id(), user=UserId(user), guest_email=None, role="participant", waits=True, needs=None,
            by=Caller(user=UserId(user), client=ClientId("test"), brand=self.tenant.brand, scopes=frozenset()),
            request_id=RequestId("filled"), event_id=new_id(), key=None,
        )  # fmt: skip

    async def register(self, session: Json, user: str, **headers: str) -> httpx.Response:
        """A seat, or a place in line."""
        return await self.http.post(
            f"/v1/sessions/{session['id']}/registrations", headers=self.tenant.bearer(user, **headers)
        )  # fmt: skip

    async def take_seat(self, session: Json, user: str, body: Json | None = None, **headers: str) -> httpx.Response:
        """A seat, or nothing."""
        return await self.http.post(
            f"/v1/sessions/{session['id']}/register", json=body or {}, headers=self.tenant.bearer(user, **headers)
        )

    async def leave(self, session: Json, user: str) -> httpx.Response:
        """Give up the seat or the place in line."""
        return await self.http.delete(
            f"/v1/sessions/{session['id']}/registrations/me", headers=self.tenant.bearer(user)
        )  # fmt: skip

    async def place(self, session: Json, user: str) -> int | None:
        """The person's place in line."""
        answer = await self.http.get(
            f"/v1/sessions/{session['id']}/registrations/me", headers=self.tenant.bearer(user)
        )  # fmt: skip
        place: int | None = answer.json()["waitlist_position"]
        return place

    async def enlarge(self, session: Json, capacity: int) -> httpx.Response:
        """The host changes the number of seats."""
        return await self.tenant.patch(self.http, session, {"max_participants": capacity})

    async def step(self, session: Json, verb: str) -> httpx.Response:
        """The host starts, ends or cancels."""
        return await self.tenant.step(self.http, session, verb)

    async def there(self, session: Json, status: str) -> list[str]:
        """Who has a registration of this status, in the order in which they came."""
        async with self.owner() as owner:
            rows = await owner.fetch(
                "select user_id from registrations where session_id = $1 and status = $2 order by position",
                UUID(session["id"]), status,
            )  # fmt: skip
        return [row["user_id"] for row in rows]

    async def told(self, session: Json) -> list[Told]:
        """The session's events, in the order in which they were told."""
        async with self.owner() as owner:
            rows = await owner.fetch(
                "select name, session_version, payload::text from all_events_any_brand_v1() where session_id = $1"
                " order by sequence",
                UUID(session["id"]),
            )
        return [Told(name, version, msgspec.json.decode(payload)) for name, version, payload in rows]

    async def faults(self, session: Json, edits: Sequence[httpx.Response] = ()) -> list[str]:
        """Every rule that was broken, as the events tell it; and where the rows do not say the same."""
        story = retold(await self.told(session), {1: session["max_participants"], **capacities_in(edits)})
        rows = (sorted(await self.there(session, "registered")), await self.there(session, "waitlist"))
        told = (sorted(story.seats), story.line)
        return [*story.faults, *([] if rows == told else [f"the rows are {rows}, and {told} was told"])]

    async def untrue(self, session: Json, answers: Mapping[str, httpx.Response]) -> list[str]:
        """The answers to those who came, and stayed, that the rows deny. Who was in line may have a seat by now."""
        seated, waiting = [set(await self.there(session, status)) for status in ("registered", "waitlist")]
        promised = {"registered": seated, "201": seated, "waitlist": seated | waiting}
        wrong = []
        for user, answer in answers.items():
            word = word_of(answer)
            kept = user in promised[word] if word in promised else user not in seated | waiting
            if not kept:
                wrong.append(f"{user} was told {word}")
        return wrong

    async def broken(self) -> list[str]:
        """What `greenroom check` finds in the whole database."""
        return [f"{finding.promise}: {example}" for finding in await invariants.check(self.db) for example in finding.examples]


def capacities_in(edits: Sequence[httpx.Response]) -> Mapping[int, int]:
    """The number of seats by the version that the edit made, or found."""
    return {
        int(edit.headers["etag"].strip('"').partition(".")[0]): edit.json()["max_participants"]
        for edit in edits
        if edit.status_code == httpx.codes.OK
    }


def words(answers: Iterable[httpx.Response]) -> list[str]:
    """What the answers say, sorted."""
    return sorted(map(word_of, answers))


def word_of(answer: httpx.Response) -> str:
    """The code of an error, else the status of the registration, else that of HTTP."""
    body: Json = answer.json()
    return str(body.get("error") or body.get("status") or answer.status_code)


def people(count: int, name: str = "fan") -> list[str]:
    """So many of them."""
    return [f"{name}_{number}" for number in range(count)]

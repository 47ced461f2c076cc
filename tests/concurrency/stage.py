"""A contest for votes, pins and questions, and what is wrong when it is over."""

from collections.abc import Sequence
from uuid import UUID

import httpx

from tests.concurrency.hall import Hall
from tests.tenant import Json

VOTES = "select user_id from votes where brand_id = $1 and question_id = $2 order by user_id"


class Stage(Hall, frozen=True):
    """Two processes, a session that goes on, and people who ask and vote."""

    async def live(self, *seated: str, capacity: int = 100) -> Json:
        """A session that goes on, with more seats than people: whoever could join may ask and vote."""
        session = await self.filled(*seated, capacity=capacity)
        assert (await self.step(session, "start")).status_code == httpx.codes.OK
        return session

    async def question(self, session: Json, user: str = "asker", *, body: str = "Why?") -> Json:
        """One that was let through."""
        asked = await self.ask(session, user, body)
        assert asked.status_code == httpx.codes.CREATED, asked.text
        question: Json = asked.json()
        assert (await self.moderate(question, "approved")).status_code == httpx.codes.OK
        return question

    async def ask(self, session: Json, user: str, body: str = "Why?", **headers: str) -> httpx.Response:
        """A question."""
        path = f"/v1/sessions/{session['id']}/questions"
        return await self.http.post(path, json={"body": body}, headers=self.tenant.bearer(user, **headers))

    async def moderate(self, question: Json, status: str, *, user: str = "host_1") -> httpx.Response:
        """The host makes it so."""
        return await self.http.patch(_path(question), json={"status": status}, headers=self.tenant.bearer(user))

    async def vote(self, question: Json, user: str) -> httpx.Response:
        """The person's vote."""
        return await self.http.put(f"{_path(question)}/vote", headers=self.tenant.bearer(user))

    async def take_back(self, question: Json, user: str) -> httpx.Response:
        """The person's vote no longer."""
        return await self.http.delete(f"{_path(question)}/vote", headers=self.tenant.bearer(user))

    async def pin(self, question: Json, user: str = "host_1") -> httpx.Response:
        """The host pins it."""
        return await self.http.post(f"{_path(question)}/pin", headers=self.tenant.bearer(user))

    async def unpin(self, question: Json, user: str = "host_1") -> httpx.Response:
        """The host takes it down."""
        return await self.http.delete(f"{_path(question)}/pin", headers=self.tenant.bearer(user))

    async def voters(self, question: Json) -> list[str]:
        """Whose votes there are; a double is there twice."""
        async with self.owner() as owner:
            rows = await owner.fetch(VOTES, self.tenant.brand, UUID(question["id"]))
        return [row["user_id"] for row in rows]

    async def counted(self, question: Json) -> int:
        """How many votes the question says it has."""
        async with self.owner() as owner:
            return int(await owner.fetchval("select vote_count from questions where id = $1", UUID(question["id"])))

    async def miscounted(self, question: Json) -> list[str]:
        """Where the rows, the question's count and what was told last are not the same."""
        rows, counted = await self.voters(question), await self.counted(question)
        heard = [
            event.payload["vote_counts"][question["id"]]
            for event in await self.told({"id": question["session_id"]})
            if question["id"] in event.payload.get("vote_counts", {})
        ]
        told = heard[-1] if heard else 0
        doubles = [] if len(set(rows)) == len(rows) else ["somebody's vote is there twice"]
        return doubles if len(rows) == counted == told else [*doubles, f"{len(rows)} votes, {counted} counted, {told} told"]

    async def told_too_late(self, question: Json, end: str) -> list[str]:
        """The votes that were told after the event that was the end of voting."""
        names = [
            event.name
            for event in await self.told({"id": question["session_id"]})
            if event.name in {end, "live.question.votes_changed.v1"}
        ]
        return names[names.index(end) + 1 :] if end in names else []

    async def pinned(self, session: Json) -> tuple[str | None, list[str]]:
        """The question that is pinned, and every rule that the events of pinning break."""
        async with self.owner() as owner:
            row = await owner.fetchval("select pinned_question_id from sessions where id = $1", UUID(session["id"]))
        is_there = None if row is None else str(row)
        up: str | None = None
        faults = []
        for event in await self.told(session):
            question = event.payload.get("question_id")
            match event.name:
                case "live.question.pinned.v1":
                    faults += [] if up is None else [f"{question} was pinned beside {up}"]
                    up = question
                case "live.question.unpinned.v1":
                    faults += [] if up == question else [f"{question} was taken down, and {up} was up"]
                    up = None
        return is_there, faults if up == is_there else [*faults, f"{up} was told, and {is_there} is pinned"]


def unlike(users: Sequence[str], answers: Sequence[httpx.Response], voters: Sequence[str]) -> list[str]:
    """Who was told that the vote counts, and has none; or was refused, and has one."""
    return [
        f"{user} was told {answer.status_code}"
        for user, answer in zip(users, answers, strict=True)
        if answer.is_success != (user in voters)
    ]


def _path(question: Json) -> str:
    return f"/v1/sessions/{question['session_id']}/questions/{question['id']}"

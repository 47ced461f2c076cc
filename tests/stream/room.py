"""A model of who may see which question: what each person may be told at any moment, and how every act is answered. Pure."""

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from tests.stream.listening import Known
from tests.tenant import Json

HOST, CO_HOST, ANN, BOB, OUTSIDER = PEOPLE = ("host_1", "co_host_1", "ann_1", "bob_1", "outsider_1")
MOST_OPEN = 5
HIDDEN = "anonymous"

Verb = Literal[
    "ask", "approve", "dismiss", "answer", "vote", "take_back", "pin", "unpin", "anonymous", "brand_anonymous", "moderation",
    "co_host", "leave", "come", "come_back", "read", "wait",
]  # fmt: skip
Status = Literal["pending", "approved", "dismissed", "answered"]
BECOMES: dict[Verb, Status] = {"approve": "approved", "dismiss": "dismissed", "answer": "answered"}
MOVES = {("pending", "approved"), ("pending", "dismissed"), ("approved", "answered"), ("approved", "dismissed")}
SEEN_BY_ALL = {"approved", "answered"}
OPEN = {"pending", "approved"}


class Act(Struct, frozen=True):
    """What somebody does; `number` says to which question, counted from the latest, or which way."""

    verb: Verb
    who: str = HOST
    number: int = 0


class Asked(Struct):
    """A question; its id is known when it was answered."""

    body: str
    asker: str
    status: Status
    voters: set[str]
    id: str = ""


class View(Struct, frozen=True):
    """What somebody knows by the stream: of each question by its id, of one's own, and of oneself."""

    questions: dict[str, tuple[str, str, str, int]]
    pinned: str | None
    own: list[tuple[str, str, str, str]]
    is_moderator: bool


class Listed(Struct, frozen=True):
    """A question as the list shows it."""

    id: str
    body: str
    status: str
    asker: str
    votes: int
    is_pinned: bool
    has_voted: bool


class Room:
    """A live session with seats for everybody: its questions, its settings, its co-host."""

    def __init__(self) -> None:
        self.questions: list[Asked] = []
        self.pinned: str | None = None
        self.has_co_host = True
        self.anonymous: bool | None = None
        self.brand_anonymous: bool | None = None
        self.moderation = True

    @property
    def co_hosts(self) -> list[str]:
        return [CO_HOST] if self.has_co_host else []

    def moderates(self, who: str) -> bool:
        return who == HOST or (who == CO_HOST and self.has_co_host)

    @property
    def hides_askers(self) -> bool:
        """What the session says, else its brand, else the program."""
        return next(said for said in (self.anonymous, self.brand_anonymous, True) if said is not None)

    def sees(self, who: str, one: Asked) -> bool:
        return self.moderates(who) or one.asker == who or one.status in SEEN_BY_ALL

    def asker_for(self, who: str, one: Asked) -> str:
        return one.asker if self.moderates(who) or one.asker == who or not self.hides_askers else HIDDEN

    def secrets(self, who: str) -> Iterator[str]:
        """Everything that somebody may be told now and perhaps not at another time."""
        yield who
        if self.moderates(who):
            yield from PEOPLE  # who asked, and who moderated
        for one in self.questions:
            if self.sees(who, one):
                yield one.body
                yield one.id
                if self.asker_for(who, one) == one.asker:
                    yield one.asker
                    yield asking(one.id, one.asker)

    def chosen(self, number: int) -> Asked | None:
        """A question, the latest by 0."""
        return self.questions[~(number % len(self.questions))] if self.questions else None

    def perform(self, act: Act, body: str) -> int:
        """Let it happen where it may; answers with which status it is answered."""
        match act.verb:
            case "ask":
                return self._ask(act.who, body)
            case "approve" | "dismiss" | "answer":
                return self._judge(act, BECOMES[act.verb])
            case "vote" | "take_back":
                return self._vote(act)
            case "pin" | "unpin":
                return self._pin(act)
            case "anonymous":
                self.anonymous = switch(act.number)
            case "brand_anonymous":
                self.brand_anonymous = switch(act.number)
            case "moderation":
                self.moderation = bool(act.number % 2)
            case "co_host":
                self.has_co_host = not self.has_co_host
        return 200

    def _ask(self, who: str, body: str) -> int:
        if who == OUTSIDER:
            return 403
        if sum(one.asker == who and one.status in OPEN for one in self.questions) >= MOST_OPEN:
            return 412
        self.questions.append(Asked(body, who, "pending" if self.moderation else "approved", set()))
        return 201

    def _judge(self, act: Act, to: Status) -> int:
        one = self.chosen(act.number)
        if act.who == OUTSIDER:
            return 403
        if one is None or not self.sees(act.who, one):
            return 404
        withdraws = one.asker == act.who and to == "dismissed" and one.status in {"pending", "dismissed"}
        if not (self.moderates(act.who) or withdraws):
            return 403
        if one.status != to and (one.status, to) not in MOVES:
            return 412
        one.status = to
        if to == "dismissed" and self.pinned == one.id:
            self.pinned = None
        return 200

    def _vote(self, act: Act) -> int:
        one = self.chosen(act.number)
        if act.who == OUTSIDER:
            return 403
        if one is None or not self.sees(act.who, one):
            return 404
        if one.status != "approved":  # a vote that was given is given
            return 200 if act.verb == "vote" and act.who in one.voters else 412
        one.voters = one.voters | {act.who} if act.verb == "vote" else one.voters - {act.who}
        return 200

    def _pin(self, act: Act) -> int:
        one = self.chosen(act.number)
        if act.who == OUTSIDER:
            return 403
        if one is None or not self.sees(act.who, one):
            return 404
        if not self.moderates(act.who):
            return 403
        if act.verb == "pin":
            if one.status not in SEEN_BY_ALL:
                return 412
            self.pinned = one.id
        elif self.pinned == one.id:
            self.pinned = None
        return 200

    def view(self, who: str) -> View:
        """What somebody who has watched knows."""
        moderates = self.moderates(who)
        shared = [one for one in self.questions if one.status in SEEN_BY_ALL or (moderates and one.status == "pending")]
        hidden = self.hides_askers and not moderates
        return View(
            {one.id: (one.body, one.status, HIDDEN if hidden else one.asker, len(one.voters)) for one in shared},
            self.pinned,
            [(one.id, one.body, one.status, one.asker) for one in reversed(self.questions) if one.asker == who],
            moderates,
        )

    def listed(self, who: str) -> list[Listed]:
        """What the list says to somebody: most votes first, of equals those asked first."""
        seen = [one for one in self.questions if self.sees(who, one)]
        return [
            Listed(
                one.id,
                one.body,
                one.status,
                self.asker_for(who, one),
                len(one.voters),
                self.pinned == one.id,
                who in one.voters,
            )
            for one in sorted(seen, key=lambda one: -len(one.voters))
        ]


def switch(number: int) -> bool | None:
    """A setting: on, off, or not said."""
    return (True, False, None)[number % 3]


def asking(question: str, asker: str) -> str:
    """That this person asked this question."""
    return f"{question} by {asker}"


def view_of(known: Known) -> View:
    """The same of a client's state. The votes of one's own questions are told with everybody's."""
    return View(
        {id_: (one["body"], one["status"], one["asker_user_id"], one["vote_count"]) for id_, one in known.questions.items()},
        known.pinned,
        [(one["id"], one["body"], one["status"], one["asker_user_id"]) for one in known.me["questions"]],
        known.me["is_moderator"],
    )


def listed_of(page: Json) -> list[Listed]:
    """The same of a page of the list."""
    return [
        Listed(
            one["id"], one["body"], one["status"], one["asker_user_id"], one["vote_count"], one["is_pinned"], one["has_voted"]
        )
        for one in page["questions"]
    ]


def said_in(data: Any) -> Iterator[str]:
    """Every text in what was told, and every tie between a question and who asked it."""
    match data:
        case str():
            yield data
        case list():
            for one in data:
                yield from said_in(one)
        case dict():
            if data.get("asker_user_id", HIDDEN) != HIDDEN:
                yield asking(data["id"], data["asker_user_id"])
            for name, one in data.items():
                yield name
                yield from said_in(one)

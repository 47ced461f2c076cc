"""A call as it really went, the events that tell of it, and what the provider would answer when it is asked."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from greenroom.inbox.queries import Arrival
from greenroom.inbox.service import told_of
from greenroom.kit.ids import new_id
from greenroom.providers.protocol import CallState, Connection, Facts, Recording, Span

HOST = "host_1"
PEOPLE = [HOST, "anna", "ben", "cleo"]
SPAN = "span-1"
OVER = 60  # minutes after the session's time at which the story is looked back at
ONE_BODY = b"{}"
FILE = "https://recordings.example/file"

_encode = msgspec.json.Encoder().encode


class Stay(Struct, frozen=True):
    """Somebody was in the call, in minutes of the session's time; `left` is None for who still is."""

    id: str
    user: str
    joined: int
    left: int | None


class Story(Struct, frozen=True):
    """A whole call. `recorded`: how its recording came out, if there was one and it is over."""

    stays: list[Stay]
    recorded: str | None

    @property
    def is_over(self) -> bool:
        """Everybody has left."""
        return all(stay.left is not None for stay in self.stays)

    @property
    def begun(self) -> int:
        """When the first one came."""
        return min(stay.joined for stay in self.stays)

    @property
    def ended(self) -> int | None:
        """When the last one left."""
        return max(stay.left for stay in self.stays if stay.left is not None) if self.is_over else None


class Telling(Struct, frozen=True):
    """A webhook: when it was sent, and what it lets us know."""

    at: int
    type: str
    facts: Facts


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A host, now and then with a sound check long before, and up to three others, who come and go."""
    stays = []
    for user in PEOPLE[: draw(st.integers(1, len(PEOPLE)))]:
        for turn in range(draw(st.integers(1, 2))):
            joined = draw(st.integers(-14, 40)) if user != HOST or turn else draw(st.one_of(st.integers(-14, 40), st.just(-50)))
            length = draw(st.one_of(st.none(), st.integers(1, 12)))
            stays.append(Stay(f"{user}-{turn}", user, joined, None if length is None else joined + length))
    return Story(stays, draw(st.sampled_from([None, "processing", "failed", "ready"])))


class Teller:
    """Puts a story's minutes as instants; tells it by webhooks, and as the provider's answer."""

    def __init__(self, story: Story, *, says_joined_at_the_end: bool = True, recording_url: str | None = FILE) -> None:
        self.story = story
        self._recording_url = recording_url
        self.scheduled_at = (datetime.now(UTC) - timedelta(minutes=OVER)).replace(microsecond=0)
        self._says_joined_at_the_end = says_joined_at_the_end

    def at(self, minute: int) -> datetime:
        """The instant."""
        return self.scheduled_at + timedelta(minutes=minute)

    def tellings(self) -> list[Telling]:
        """What a provider sends, in the order of what happened."""
        story = self.story
        told = [Telling(story.begun, "started", Facts(spans=[Span(id=SPAN, started_at=self.at(story.begun))]))]
        for stay in story.stays:
            told.append(Telling(stay.joined, "joined", Facts(connections=[self._came(stay)])))
            if stay.left is not None:
                told.append(Telling(stay.left, "left", Facts(connections=[self._gone(stay)])))
        if story.ended is not None:
            told.append(Telling(story.ended, "ended", Facts(spans=[Span(id=SPAN, ended_at=self.at(story.ended))])))
        if story.recorded is not None:
            told.append(Telling(story.begun, "recording_started", Facts(recordings=[self._recording("processing", "egress")])))
        if story.recorded in {"failed", "ready"}:
            told.append(Telling(OVER, f"recording_{story.recorded}", Facts(recordings=self.recordings())))
        return sorted(told, key=lambda telling: telling.at)

    def arrivals(self, tellings: Iterable[Telling], *, sending: str) -> list[Arrival]:
        """The same as they reach the inbox; one that is sent again has the same id."""
        return [self._arrival(telling, f"{sending}-{index}") for index, telling in enumerate(tellings)]

    def state(self) -> CallState:
        """What the provider answers when it is asked how the call is."""
        inside = [stay for stay in self.story.stays if stay.left is None]
        ended = self.story.ended
        span = Span(id=SPAN, started_at=self.at(self.story.begun), ended_at=None if ended is None else self.at(ended))
        return CallState(
            is_live=ended is None,
            span=SPAN,
            ended_at=None,
            facts=Facts(spans=[span], connections=[self._came(stay) for stay in inside]),
            inside=[stay.id for stay in inside],
        )

    def recordings(self) -> list[Recording]:
        """What it answers when it is asked for recordings."""
        match self.story.recorded:
            case "ready":
                return [self._recording("ready", "file", url=self._recording_url)]
            case "failed":
                return [self._recording("failed", "egress")]
            case _:
                return []

    def _came(self, stay: Stay) -> Connection:
        return Connection(id=stay.id, user=stay.user, span=SPAN, joined_at=self.at(stay.joined))

    def _gone(self, stay: Stay) -> Connection:
        left_at = None if stay.left is None else self.at(stay.left)
        joined_at = self.at(stay.joined) if self._says_joined_at_the_end else None
        return Connection(id=stay.id, user=stay.user, span=SPAN, joined_at=joined_at, left_at=left_at)

    def _recording(self, state: str, name: str, *, url: str | None = None) -> Recording:
        return msgspec.convert({"id": name, "state": state, "span": SPAN, "url": url}, Recording)

    def _arrival(self, telling: Telling, name: str) -> Arrival:
        return Arrival(
            event_id=name,
            body_hash=hashlib.sha256(name.encode()).digest(),
            type=telling.type,
            occurred_at=self.at(telling.at),
            body=ONE_BODY,
            facts=_encode(telling.facts).decode(),
            tells=_encode(told_of(telling.facts)).decode(),
            outbox_id=new_id(),
        )


def batches(arrivals: Sequence[Arrival], sizes: Sequence[int]) -> list[list[Arrival]]:
    """Those that come together, of which none is there twice."""
    cut, rest = [], list(arrivals)
    for size in sizes:
        cut.append(rest[:size])
        rest = rest[size:]
    cut.append(rest)
    return [list({one.event_id: one for one in batch}.values()) for batch in cut if batch]

"""What who comes is told first: what has changed since they were here, or all; and how they stand to the session."""

from collections.abc import Sequence
from uuid import UUID

from greenroom.events import service as events
from greenroom.kit.database import Database
from greenroom.kit.gathering import Gathering
from greenroom.stream import queries
from greenroom.stream.channel import Channel, First
from greenroom.stream.frames import Audience, changes_of, frame_of, presence_event, session_event, snapshot_of
from greenroom.stream.news import Window, news_of, together
from greenroom.stream.queries import Person, Standing, State

MOST_TOGETHER = 100_000
ARRIVALS_TOGETHER = 256
ARRIVAL_SECONDS = 15.0  # for which somebody may wait in a crowd: a browser that was once refused does not come again
RESUMABLE = 10_000  # events of all sessions
MOST_RESUMED = 500  # questions


class Greetings:
    """Those who come together share a look at the database that had not begun: what they are told was true after they came."""

    def __init__(self, db: Database, *, wait_seconds: float) -> None:
        self._db = db
        self._wait = wait_seconds
        self._standings: Gathering[Person, Standing | None] = Gathering(
            lambda people: queries.of_people(db, people), wait_seconds=ARRIVAL_SECONDS, largest=ARRIVALS_TOGETHER
        )

    async def standing(self, person: Person) -> Standing | None:
        """How somebody stands to a session; None where there is none. Raises Unavailable."""
        return await self._standings.send(person)

    async def first(self, channel: Channel, audience: Audience, resumed: int | None) -> bytes:
        """What has changed since a position, else all. Raises Unavailable."""
        return await channel.firsts.send((audience, resumed))

    def of(self, channel: Channel) -> Gathering[First, bytes]:
        """The gathering of those who come to a channel."""

        async def carry(asked: Sequence[First]) -> Sequence[bytes]:
            made = {first: await self._made(channel, *first) for first in dict.fromkeys(asked)}
            return [made[first] for first in asked]

        return Gathering(carry, wait_seconds=self._wait, largest=MOST_TOGETHER)

    async def _made(self, channel: Channel, audience: Audience, resumed: int | None) -> bytes:
        position = channel.position
        window = await self._missed(channel, resumed)
        if window is None:
            state = found(await queries.whole(self._db, channel.brand, channel.session))
            snapshot = snapshot_of(audience, channel.session, state, watching=channel.watching)
            return frame_of([snapshot], position=position)
        state = await now_of(self._db, channel, window)
        told = [session_event(channel.session, state.session), *changes_of(audience, window, state)]
        return frame_of([*told, presence_event(channel.watching)], position=position)

    async def _missed(self, channel: Channel, resumed: int | None) -> Window | None:
        """What came to pass since; None where that is not known, or a snapshot is as well."""
        if resumed is None or resumed < channel.position - RESUMABLE:
            return None
        if resumed > channel.position:  # another process was quicker: what it told is told again
            return Window(channel.position) if resumed <= await events.reached(self._db) else None
        if resumed < channel.since:
            since = channel.since
            earlier = await events.of_session(
                self._db, channel.brand, channel.session, after=resumed, to=since, most=MOST_RESUMED
            )
            if earlier is None or len(earlier) == MOST_RESUMED:
                return None
            if not channel.remember(filter(None, map(news_of, earlier)), since=resumed, to=since):
                return None
        missed = channel.told_since(resumed)
        window = together(missed, position=channel.position)
        too_much = len(window.questions | window.voted_on) > MOST_RESUMED
        return None if too_much or window.renews else window


async def now_of(db: Database, channel: Channel, window: Window) -> State:
    """What is true now of all that a window names. Raises Unavailable."""
    ids = [UUID(question) for question in window.questions | window.voted_on]
    return found(await queries.now(db, channel.brand, channel.session, ids))


def found(state: State | None) -> State:
    """The session's state, which there is."""
    if state is None:
        raise AssertionError("a session that is watched exists: none is ever deleted")
    return state

"""A session as those in this process watch it: who they are, what they have been told, and what came since."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from greenroom.kit.gathering import Gathering
from greenroom.kit.ids import BrandId, SessionId
from greenroom.stream.frames import Audience
from greenroom.stream.news import News
from greenroom.stream.queries import Hosts
from greenroom.stream.watchers import Watcher

First = tuple[Audience, int | None]  # what who comes is told first: all, or what has changed since a position

MOST_REMEMBERED = 2_000  # events of one session, for those who come back; a few hundred octets each


class Channel:
    """Nothing is kept here of what is true: that is looked up when it is told, so that nobody is told what was."""

    def __init__(
        self,
        brand: BrandId,
        session: SessionId,
        *,
        position: int,
        hosts: Hosts,
        firsts: "Callable[[Channel], Gathering[First, bytes]]",
    ) -> None:
        self.brand = brand
        self.session = session
        self.position = position  # up to here everything was told to who is among the audiences
        self.hosts = hosts
        self.watching_elsewhere = 0
        self.told_watching = 0
        self.pending: list[News] = []
        self.audiences: dict[Audience, set[Watcher]] = {"everybody": set(), "moderators": set()}
        self.arriving: set[Watcher] = set()  # who begins, or begins anew, and is not told what the others are
        self.behind: set[Watcher] = set()
        self.firsts = firsts(self)
        self.is_flushing = False
        self.is_scheduled = False
        self.told_at = 0.0
        self.empty_since: float | None = None
        self._of_user: dict[str, tuple[Watcher, ...]] = {}
        self._since = position
        self._remembered: deque[News] = deque()

    def __len__(self) -> int:
        return sum(map(len, self.audiences.values()))

    def __iter__(self) -> Iterator[Watcher]:
        for audience in self.audiences.values():
            yield from audience

    @property
    def watching(self) -> int:
        """How many watch, here and elsewhere; one at least, for whoever is told."""
        return max(len(self) + self.watching_elsewhere, 1)

    def join(self, watcher: Watcher) -> None:
        """From now on it is told what everybody of its audience is told."""
        for audience in self.audiences.values():
            audience.discard(watcher)
        self.audiences[watcher.audience].add(watcher)
        self.told_watching = 0  # it was told a number in which it is not counted
        others = self._of_user.get(watcher.user, ())
        if watcher not in others:
            self._of_user[watcher.user] = (*others, watcher)

    def leave(self, watcher: Watcher) -> None:
        """It is told nothing more."""
        for audience in self.audiences.values():
            audience.discard(watcher)
        self.behind.discard(watcher)
        left = tuple(one for one in self._of_user.get(watcher.user, ()) if one is not watcher)
        if left:
            self._of_user[watcher.user] = left
        else:
            self._of_user.pop(watcher.user, None)

    def of_user(self, user: str) -> Sequence[Watcher]:
        """The connections of one person."""
        return self._of_user.get(user, ())

    def note(self, news: News) -> None:
        """What has come to pass, and is to be told."""
        self.pending.append(news)
        self._remembered.append(news)
        if len(self._remembered) > MOST_REMEMBERED:
            self._since = self._remembered.popleft().position

    def remember(self, earlier: Iterable[News], *, since: int, to: int) -> bool:
        """What came to pass before what is remembered; False where some of that is forgotten by now: a gap."""
        if to < self._since:
            return False
        if since < self._since:
            self._remembered.extendleft(reversed([one for one in earlier if one.position <= self._since]))
            self._since = since
        return True

    @property
    def since(self) -> int:
        """After this position everything is remembered."""
        return self._since

    def told_since(self, position: int) -> list[News]:
        """What was told after a position that is remembered."""
        return [one for one in self._remembered if position < one.position <= self.position]

    def advance(self, position: int) -> None:
        """Everything up to this position is being told; who comes from now on is told what is true by then."""
        self.position = position

"""What an event means for who watches its session; and what several of them mean together. Pure."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from greenroom.events.feed import ToldEvent


class _Said(Struct, frozen=True):
    """Of any payload, what matters here."""

    question_id: str | None = None
    asker_user_id: str | None = None
    user_id: str | None = None
    was: str | None = None
    status: str | None = None
    vote_counts: dict[str, int] = {}
    changed: list[str] = []


_said_in = msgspec.json.Decoder(_Said).decode

QUESTION = "live.question."
REGISTRATION = "live.registration."
SESSION = "live.session."
UPDATED = frozenset({"live.session.updated.v1", "live.brand.updated.v1"})
RENEWING = frozenset({"settings", "settings.anonymous", "co_host_ids"})
SEEN_BY_ALL = frozenset({"approved", "answered"})


class News(Struct, frozen=True, gc=False):
    """What one event means. `position` is the relay's.

    `appeared`: everybody may see the question from then on; `vanished`: no longer. `asked`: moderators may. `renews`: what may
    be seen, or by whom, may have changed, so that a snapshot must tell it.
    """

    position: int
    session: bool = False
    renews: bool = False
    question: str | None = None
    asked: bool = False
    appeared: bool = False
    vanished: bool = False
    voted_on: tuple[str, ...] = ()
    pin: bool = False
    user: str | None = None


class Window(Struct, frozen=True):
    """What some events mean together, up to a position; what is true of them now must be looked up."""

    position: int
    session: bool = False
    renews: bool = False
    questions: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    appeared: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()
    voted_on: frozenset[str] = frozenset()
    pin: bool = False
    users: frozenset[str] = frozenset()


def news_of(event: ToldEvent) -> News | None:
    """What it means; None where nobody who watches is concerned. What a newer release says in another way renews all."""
    try:
        return _meaning_of(event)
    except msgspec.ValidationError:
        return News(event.position, session=True, renews=True)


def _meaning_of(event: ToldEvent) -> News | None:
    name = event.name
    if name.startswith(QUESTION):
        return _of_question(event.position, name.removeprefix(QUESTION), _said_in(event.payload))
    if name.startswith(REGISTRATION) and name != "live.registration.reminder_due.v1":
        return News(event.position, session=True, user=_said_in(event.payload).user_id)
    if name in UPDATED:
        return News(event.position, session=True, renews=not RENEWING.isdisjoint(_said_in(event.payload).changed))
    if name.startswith(SESSION):
        return News(event.position, session=True)
    return None


def _of_question(position: int, what: str, said: _Said) -> News:
    match what:
        case "votes_changed.v1":
            return News(position, voted_on=tuple(said.vote_counts))
        case "pinned.v1" | "unpinned.v1":
            return News(position, pin=True)
        case "asked.v1":
            at_once = said.status in SEEN_BY_ALL
            return News(position, question=said.question_id, asked=True, appeared=at_once, user=said.asker_user_id)
    return News(
        position,
        question=said.question_id,
        appeared=what == "approved.v1",
        vanished=what == "dismissed.v1" and said.was in SEEN_BY_ALL,
        user=said.asker_user_id,
    )


def together(news: Iterable[News], *, position: int) -> Window:
    """What they mean together."""
    of = list(news)
    return Window(
        position=max((one.position for one in of), default=position),
        session=any(one.session for one in of),
        renews=any(one.renews for one in of),
        questions=frozenset(one.question for one in of if one.question is not None),
        asked=frozenset(one.question for one in of if one.question is not None and one.asked),
        appeared=frozenset(one.question for one in of if one.question is not None and one.appeared),
        vanished=frozenset(one.question for one in of if one.question is not None and one.vanished),
        voted_on=frozenset(question for one in of for question in one.voted_on),
        pin=any(one.pin for one in of),
        users=frozenset(one.user for one in of if one.user is not None),
    )

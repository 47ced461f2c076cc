"""What an event means for who watches, and what several mean together: pure."""

import json
from typing import Any
from uuid import UUID

import pytest

from greenroom.events.catalogue import EVENTS
from greenroom.events.feed import ToldEvent
from greenroom.stream.news import News, Window, news_of, together

ID = UUID("0199c8a0-6e21-7b55-9d8f-1e7a3c0b2d44")
NAMES = [event.name for event in EVENTS]
CONCERNING = ("live.session.", "live.registration.", "live.question.", "live.brand.")


def told(name: str, **payload: Any) -> ToldEvent:
    return ToldEvent(7, ID, name, "acme", ID, "2026-11-23 09:00:00+00", json.dumps(payload))


def of_question(what: str, **payload: Any) -> News | None:
    return news_of(told(f"live.question.{what}.v1", question_id="q", asker_user_id="ann", **payload))


def of(*news: News | None) -> Window:
    return together([one for one in news if one is not None], position=3)


def test_a_question_that_waits_is_news_for_moderators_and_who_asked() -> None:
    assert of_question("asked", status="pending") == News(7, question="q", asked=True, user="ann")


def test_a_question_approved_at_once_is_news_for_everybody() -> None:
    assert of_question("asked", status="approved") == News(7, question="q", asked=True, appeared=True, user="ann")


def test_what_a_newer_release_says_in_another_way_holds_nobody_up() -> None:
    assert of_question("asked", status=["pending"]) == News(7, session=True, renews=True)


def test_an_approved_question_appears() -> None:
    assert of_question("approved", was="pending") == News(7, question="q", appeared=True, user="ann")


def test_an_answered_question_was_there_before() -> None:
    assert of_question("answered", was="approved") == News(7, question="q", user="ann")


@pytest.mark.parametrize(("was", "vanished"), [("pending", False), ("approved", True)])
def test_a_dismissed_question_vanishes_where_everybody_saw_it(was: str, vanished: bool) -> None:
    assert of_question("dismissed", was=was) == News(7, question="q", vanished=vanished, user="ann")


@pytest.mark.parametrize("what", ["pinned", "unpinned"])
def test_pins_are_news_of_the_pin_alone(what: str) -> None:
    assert news_of(told(f"live.question.{what}.v1", question_id="q")) == News(7, pin=True)


def test_votes_name_the_questions_and_no_person() -> None:
    assert news_of(told("live.question.votes_changed.v1", vote_counts={"q": 3, "r": 1})) == News(7, voted_on=("q", "r"))


@pytest.mark.parametrize("what", ["created", "cancelled", "promoted", "waitlisted"])
def test_a_registration_is_news_of_the_session_and_of_its_person(what: str) -> None:
    assert news_of(told(f"live.registration.{what}.v1", user_id="ann")) == News(7, session=True, user="ann")


def test_a_reminder_is_no_news() -> None:
    assert news_of(told("live.registration.reminder_due.v1", user_id="ann")) is None


@pytest.mark.parametrize("changed", ["settings", "settings.anonymous", "co_host_ids"])
@pytest.mark.parametrize("name", ["live.session.updated.v1", "live.brand.updated.v1"])
def test_what_may_change_who_sees_what_renews_all(name: str, changed: str) -> None:
    assert news_of(told(name, changed=["title", changed])) == News(7, session=True, renews=True)


@pytest.mark.parametrize("changed", [[], ["title"], ["max_participants", "scheduled_at"], ["settings.moderation"]])
def test_other_edits_are_news_of_the_session(changed: list[str]) -> None:
    assert news_of(told("live.session.updated.v1", changed=changed)) == News(7, session=True)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("live.session.")])
def test_whatever_becomes_of_a_session_is_news(name: str) -> None:
    news = news_of(told(name))
    assert news is not None
    assert news.session


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("live.question.")])
def test_whatever_becomes_of_a_question_is_news(name: str) -> None:
    news = news_of(told(name, question_id="q", vote_counts={"q": 1}))
    assert news is not None
    assert news.question or news.pin or news.voted_on


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.split(".")[1] not in {"session", "registration", "question", "brand"}]
)
def test_what_is_no_affair_of_who_watches_is_no_news(name: str) -> None:
    assert news_of(told(name, session_id=str(ID), user_id="ann")) is None


def test_an_event_of_tomorrow_is_no_news() -> None:
    assert news_of(told("live.weather.changed.v1")) is None


def test_nothing_together_is_nothing_up_to_where_one_was() -> None:
    assert together([], position=3) == Window(3)


def test_together_they_reach_as_far_as_the_last() -> None:
    assert together([News(9, session=True), News(5)], position=3) == Window(9, session=True)


def test_together_they_say_what_each_says() -> None:
    window = of(
        of_question("asked", status="pending"),
        of_question("approved"),
        News(8, question="r", vanished=True, user="bob"),
        News(9, voted_on=("q", "s")),
        News(9, voted_on=("s",), pin=True),
        News(9, renews=True),
    )
    assert window == Window(
        9,
        renews=True,
        questions=frozenset({"q", "r"}),
        asked=frozenset({"q"}),
        appeared=frozenset({"q"}),
        vanished=frozenset({"r"}),
        voted_on=frozenset({"q", "s"}),
        pin=True,
        users=frozenset({"ann", "bob"}),
    )

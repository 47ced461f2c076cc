"""The moderation queue as a page shows it."""

from tests.questions.forum import Forum
from tests.tenant import Json
from tests.web.pages.visiting import Page


def queue_of(there: Forum) -> str:
    return f"/host/{there.session['id']}/questions"


def act_on(there: Forum, question: Json, act: str = "moderate") -> str:
    return f"{queue_of(there)}/{question['id']}/{act}"


def bodies(page: Page, section: str) -> list[str]:
    return [one.get_text() for one in page.all(f"#{section} .ask-body")]


def card(page: Page, question: Json) -> str:
    return " ".join(page.one(f"#question-{question['id']}").get_text(" ").split())


def buttons(page: Page, question: Json) -> list[str]:
    shown = page.all(f"#question-{question['id']} form:not([hidden]) button")
    return [one.get_text() for one in shown]

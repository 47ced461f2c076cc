"""The page of a session's registrations."""

from tests.registrations.people import Room
from tests.tenant import Json
from tests.web.pages.visiting import Page


def people_of(there: Room) -> str:
    return f"/host/{there.session['id']}/people"


def act_on(there: Room, registration: Json, act: str) -> str:
    return f"{people_of(there)}/{registration['id']}/{act}"


def listed(page: Page) -> list[str]:
    """Who, in the order of the table."""
    return [one.get_text() for one in page.all("tbody th bdi")]


def row(page: Page, registration: Json) -> str:
    """All that a row says."""
    return " ".join(page.one(f"#person-{registration['id']}").get_text(" ").split())

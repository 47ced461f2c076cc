"""What is on, as somebody sees it: pages that are opened, sessions that are put on them, and what can be read there."""

from typing import Any

import httpx

from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Page, visiting

FRAMING_SITE = "https://www.example.com"  # the one that may show cards of the server that is public


async def opened(server: Server, tenant: Tenant, path: str = "/", user: str | None = "ada", **more: str) -> Page:
    """The page as this person sees it; None is who is not signed in."""
    async with visiting(server.url, user, tenant.brand, **more) as visitor:
        return await visitor.get(path)


async def at(http: httpx.AsyncClient, tenant: Tenant, when: str, title: str, **more: Any) -> Json:
    """A session at this time."""
    return await tenant.session(http, scheduled_at=when, title=title, **more)


async def in_category(http: httpx.AsyncClient, tenant: Tenant, session: Json, category: str) -> None:
    """Put it there."""
    admin = tenant.bearer("admin", scope="admin:live")
    response = await http.patch(f"/v1/admin/sessions/{session['id']}", json={"category": category}, headers=admin)
    assert response.status_code == 200, response.text


def days(page: Page) -> dict[str, list[str]]:
    """The titles by their headings."""
    return {
        section.select("h2")[0].get_text(): [one.get_text() for one in section.select("h3")]
        for section in page.all("section.card")
    }


def told(page: Page) -> list[str]:
    """Each session of a list, as one reads it, without its time."""
    return [" ".join(one.get_text(" ").split()) for one in page.all(".entry-what")]


def in_grid(page: Page) -> dict[int, list[str]]:
    """The links by the day of the month in whose cell they are."""
    return {
        int(cell.select(".number")[0].get_text()): [" ".join(one.get_text().split()) for one in cell.select("a")]
        for cell in page.all(".month td:has(a)")
    }

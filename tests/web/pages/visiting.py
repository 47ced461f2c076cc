"""A person with a browser that runs no script: cookies, forms that are filled in and sent, pages that are read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from bs4 import BeautifulSoup, Tag

from greenroom.identity.sign_in import CLIENT
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, UserId
from tests.server import AUTHORITIES, SECRET_KEY

COOKIE = "greenroom"
READS_PAGES = {"accept": "text/html,application/xhtml+xml"}


class Page:
    """What a browser shows."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.html = BeautifulSoup(answer.text, "html.parser")

    @property
    def text(self) -> str:
        """All that can be read on it, with single spaces."""
        main = self.html.find("main")
        return " ".join((main if isinstance(main, Tag) else self.html).get_text(" ").split())

    @property
    def title(self) -> str:
        """In the window's title."""
        return self.html.title.get_text() if self.html.title else ""

    def all(self, selector: str) -> list[Tag]:
        """Every element that the CSS selector finds."""
        return list(self.html.select(selector))

    def one(self, selector: str) -> Tag:
        """The one element that it finds."""
        (found,) = self.all(selector)
        return found

    def has(self, selector: str) -> bool:
        """Whether it finds any."""
        return bool(self.all(selector))

    def form(self, action: str) -> dict[str, str]:
        """What the form with this action would send, if nothing were changed in it."""
        return fields_of(self.all(f'form[action="{action}"]')[0])


def fields_of(form: Tag) -> dict[str, str]:
    """What a form would send by its first button; what is disabled is not sent."""
    fields: dict[str, str] = {}
    for one in form.select("input[name], textarea[name], select[name]"):
        if one.has_attr("disabled") or (one.get("type") in {"checkbox", "radio"} and not one.has_attr("checked")):
            continue
        fields.setdefault(str(one["name"]), _value_of(one))
    return fields


def _value_of(field: Tag) -> str:
    if field.name == "textarea":
        return field.get_text().removeprefix("\n")
    if field.name == "select":
        chosen = field.select_one("option[selected]") or field.select_one("option")
        return "" if chosen is None else str(chosen.get("value", chosen.get_text()))
    return str(field.get("value", "on" if field.get("type") == "checkbox" else ""))


class Visitor:
    """Somebody; `user` is None for who is not signed in."""

    def __init__(self, http: httpx.AsyncClient, user: str | None) -> None:
        self.http = http
        self.user = user

    async def get(self, path: str, *, follow: bool = True) -> Page:
        """Open a page, and where it leads to."""
        return Page(await self.http.get(path, headers=READS_PAGES, follow_redirects=follow))

    async def send(
        self, page: str, action: str, changed: Mapping[str, str] | None = None, *, follow: bool = True, **fields: str
    ) -> Page:
        """Open a page, fill in the form with this action, send it, and see what follows."""
        shown = await self.get(page)
        return await self.post(action, {**shown.form(action), **(changed or {}), **fields}, follow=follow)

    async def post(self, action: str, fields: Mapping[str, str], *, follow: bool = True) -> Page:
        """Send a form, as a browser does from a page of ours."""
        told = {"sec-fetch-site": "same-origin", **READS_PAGES}
        return Page(await self.http.post(action, data=fields, headers=told, follow_redirects=follow))

    async def ask(self, action: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send a form as a module of ours does, which stays on its page."""
        return await self.http.post(
            action, data=fields, headers={"sec-fetch-site": "same-origin", "accept": "application/json"}
        )


def signed(user: str, brand: str, *, scope: str = "read:live write:live", **more: Any) -> str:
    """The token that signing in gives a browser."""
    grant = new_grant(user=UserId(user), brand=BrandId(brand), scope=scope, client=CLIENT, lifetime=timedelta(hours=1), **more)
    return Signer([SECRET_KEY]).sign(grant)


@asynccontextmanager
async def visiting(
    url: str, user: str | None = None, brand: str = "acme", *, scope: str = "read:live write:live", zone: str | None = None
) -> AsyncIterator[Visitor]:
    """Somebody's browser. `zone`: the time zone that its script has told."""
    cookies = {} if user is None else {COOKIE: signed(user, brand, scope=scope)}
    if zone is not None:
        cookies["greenroom_zone"] = zone
    async with httpx.AsyncClient(base_url=url, verify=AUTHORITIES, cookies=cookies, timeout=30) as http:
        yield Visitor(http, user)

"""A visit: one request for a page, by somebody who is signed in or by nobody known, with what all pages need."""

import re
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.identity.gate import Gate
from greenroom.identity.provider import IdentityProvider
from greenroom.identity.request import CallerRequest
from greenroom.identity.scopes import READ_LIVE, WRITE_LIVE
from greenroom.identity.sign_in import CLIENT, SignIn
from greenroom.kit.errors import Forbidden, Unauthenticated
from greenroom.kit.http.answer import Answer, Headers, bare_answer, json_answer
from greenroom.kit.http.operation import Limit
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.idempotency import IdempotencyKey, idempotency_key
from greenroom.kit.ids import BrandId, UserId
from greenroom.web import cookies, forms
from greenroom.web.forms import Form, FormSeals
from greenroom.web.rendering import NOTHING, Allowed, page_answer, rendered
from greenroom.web.sdks import Sdk
from greenroom.web.texts import catalogue, text
from greenroom.web.times import Clock

T = TypeVar("T")

JSON = "application/json"
SAID = "said"  # the query parameter that names a text of the catalogue, told on the page that follows a form
NUMBER = "n"

_NUMBER = re.compile(r"[0-9]{1,9}")


class Pages(Struct, frozen=True):
    """What pages need of a process."""

    sign_in: SignIn
    seals: FormSeals
    gate: Gate
    is_public: bool
    embed_origins: tuple[str, ...]
    join_url: str | None
    provider: IdentityProvider | None
    has_links: bool
    public_url: str | None
    sdks: dict[str, Sdk]


class Visit:
    """One request for a page."""

    def __init__(self, request: ApiRequest, there: Pages, caller: Caller | None, form: Form) -> None:
        self.request = request
        self.there = there
        self.known = caller
        self.form = form
        zone = cookies.cookie_of(request, cookies.ZONE) or (None if caller is None else caller.time_zone)
        self.clock = Clock(zone)

    @property
    def caller(self) -> Caller:
        """Who is signed in. Raises Unauthenticated, which the binding turns into the way to sign in."""
        if self.known is None:
            raise Unauthenticated
        return self.known

    @property
    def viewer(self) -> Caller:
        """Who is signed in, else anybody who may read where pages are public. Raises Unauthenticated."""
        if self.known is None and self.there.is_public:
            return anybody(None)
        return self.caller

    @property
    def wants_json(self) -> bool:
        """Whether a module of ours asks, and not the browser itself."""
        return JSON in (self.request.header(b"accept") or "")

    def service(self, name: str, kind: type[T]) -> T:
        """What a noun's operations need of this process, by the name that the application gave it."""
        found = self.request.scope["state"][name]
        if not isinstance(found, kind):
            raise TypeError(f"{name} is another service")
        return found

    def count(self, limit: Limit) -> None:
        """Count this request against the limit of who is signed in. Raises RateLimited."""
        if self.known is not None:
            self.there.gate.count(self.known, limit)

    def key(self) -> IdempotencyKey | None:
        """The key of this sending of the form, bound to all that it says. Raises ValidationFailed."""
        caller = self.caller
        return idempotency_key(
            self.form.get(forms.ONCE),
            brand=caller.brand or "",
            client=caller.client,
            subject=caller.user,
            method="POST",
            path=self.request.path,
            body=self.request.raw_body or b"",
        )

    def page(
        self,
        template: str,
        /,
        *,
        status: int = 200,
        headers: Headers | None = None,
        allowed: Allowed = NOTHING,
        **values: Any,
    ) -> Answer:
        """The template, with what it needs beside what every page has; `allowed`: what this page alone may do."""
        body = rendered(template, {**self._everywhere(), **values})
        return page_answer(body, status=status, headers=headers or [], allowed=allowed)

    def done(self, path: str, *, said: str | None = None, n: int | None = None, body: Struct | None = None) -> Answer:
        """What follows a form: the page at the path, which says the text of this name; a module of ours gets the body.

        The path may end with a fragment: the place on the page.
        """
        if self.wants_json:
            return json_answer(body, headers=[(b"cache-control", b"no-store")]) if body is not None else bare_answer(204, [])
        if said is None:
            return see_other(path)
        query = urlencode({SAID: said} if n is None else {SAID: said, NUMBER: n})
        page, hash_, place = path.partition("#")
        return see_other(f"{page}{'&' if '?' in page else '?'}{query}{hash_}{place}")

    def _everywhere(self) -> dict[str, Any]:
        known = self.known
        return {
            "visit": self,
            "clock": self.clock,
            "me": known,
            "can_host": known is not None and WRITE_LIVE in known.scopes,
            "path": self.request.path,
            "csrf": self.there.seals.proof(known),
            "new_once": forms.new_once,
            "said": self._said(),
        }

    def _said(self) -> str | None:
        """What the page before wanted to be said, by the name of a text that is meant for that, and perhaps a number."""
        name = f"said.{self.parameter(SAID)}"
        number = self.parameter(NUMBER)
        found = catalogue().get(name)
        if found is None or (isinstance(found, dict) and not _NUMBER.fullmatch(number)):
            return None
        return text(name, n=int(number) if _NUMBER.fullmatch(number) else None)

    def parameter(self, name: str) -> str:
        """The first parameter of this name in the query; an empty text where there is none."""
        return forms.query_in(self.request).text(name)


def see_other(where: str, *, headers: Headers | None = None) -> Answer:
    """The browser goes there by GET (RFC 9110, section 15.4.4)."""
    return bare_answer(
        303,
        [
            (b"location", where.encode("latin-1", "replace")),
            (b"content-length", b"0"),
            (b"cache-control", b"no-store"),
            *(headers or ()),
        ],
    )


def anybody(brand: BrandId | None) -> Caller:
    """Somebody of whom nothing is known, who may read and has no seat anywhere: no user's id is empty."""
    return Caller(user=UserId(""), client=CLIENT, brand=brand, scopes=frozenset({READ_LIVE}))


def refuse_unless_writing(caller: Caller) -> None:
    """Raises Forbidden for who may only read."""
    if WRITE_LIVE not in caller.scopes:
        raise Forbidden("You are signed in to read only.")


async def visit_of(request: CallerRequest, *, form: Form) -> Visit:
    """The visit. A token that is good no longer is nobody's."""
    there = cast("Pages", request.scope["state"]["pages"])
    token = cookies.token_in(request)
    caller = None if token is None else await there.sign_in.caller(token)
    if caller is not None:
        request.scope["user"] = caller
    return Visit(request, there, caller, form)

"""The API's documentation: the OpenAPI document, and a page made from it that needs neither script nor internet."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import msgspec

from greenroom.kit.http.answer import Answer, length_of
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.http.routing import page

TEMPLATES = Path(__file__).with_name("templates")

PAGE_HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Documentation:
    """The document and its page, each made when it is first asked for."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._make()

    @cached_property
    def json(self) -> bytes:
        """The document as JSON."""
        return msgspec.json.encode(self.document)

    @cached_property
    def page(self) -> bytes:
        """The document as a page."""
        # Slow to import, and few servers are ever asked for the page.
        from jinja2 import Environment, StrictUndefined, select_autoescape  # noqa: PLC0415

        templates = Environment(
            autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        templates.filters["json"] = lambda value: msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
        return templates.from_string((TEMPLATES / "docs.html").read_text()).render(api=self.document).encode()

    @cached_property
    def style(self) -> bytes:
        """The page's style sheet."""
        return (TEMPLATES / "docs.css").read_bytes()


@page("/openapi.json")
async def openapi(request: ApiRequest) -> Answer:
    """The OpenAPI 3.1 document."""
    return _sent(_documentation(request).json, [(b"content-type", b"application/json")])


@page("/docs")
async def docs(request: ApiRequest) -> Answer:
    """The document as a page."""
    return _sent(_documentation(request).page, PAGE_HEADERS)


@page("/docs/style.css")
async def docs_style(request: ApiRequest) -> Answer:
    """How the page looks."""
    return _sent(_documentation(request).style, [(b"content-type", b"text/css; charset=utf-8")])


def _documentation(request: ApiRequest) -> Documentation:
    return cast("Documentation", request.scope["state"]["documentation"])


def _sent(body: bytes, headers: list[tuple[bytes, bytes]]) -> Answer:
    return Answer(body, status=200, headers=[*headers, length_of(body)])


ROUTES = [openapi, docs, docs_style]

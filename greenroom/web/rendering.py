"""From a template and what it needs to a page, with the headers that every page has."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from greenroom.kit.http.answer import Answer, Headers, length_of
from greenroom.web import texts
from greenroom.web.assets import asset
from greenroom.web.times import told_day, told_month

TEMPLATES: Final = Path(__file__).with_name("templates")

NOBODY: Final = "'none'"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors "
)
_HEADERS: Final[Headers] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with none at all, browsers would not say from where a form comes
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), display-capture=()"),
    (b"cache-control", b"private, no-store"),  # what somebody saw is not shown again by Back after they signed out
]


def rendered(template: str, values: dict[str, Any]) -> str:
    """The template with what it needs. Raises jinja2.UndefinedError where it needs more."""
    return environment().get_template(template).render(values)


def page_answer(body: str, *, status: int, headers: Headers, framed_by: tuple[str, ...] = ()) -> Answer:
    """A page. `framed_by`: the origins that may show it in a frame of theirs."""
    octets = body.encode("utf-8", "replace")
    ancestors = " ".join(framed_by) or NOBODY
    refused: Headers = [] if framed_by else [(b"x-frame-options", b"DENY")]
    policy = (b"content-security-policy", f"{_POLICY}{ancestors}".encode())
    return Answer(octets, status=status, headers=[*_HEADERS, policy, *refused, length_of(octets), *headers])


@cache
def environment() -> Environment:
    """Templates escape whatever they show, and fail for what they were not given."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "t": texts.text,
        "asset": asset,
        "language": texts.LANGUAGE,
        "texts_for_scripts": texts.for_scripts().decode(),
    }
    made.filters |= {"day": told_day, "month": told_month}
    return made

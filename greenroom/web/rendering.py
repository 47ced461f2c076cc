"""From a template and what it needs to a page, with the headers that every page has."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from greenroom.kit.http.answer import Answer, Headers, length_of
from greenroom.web import texts
from greenroom.web.assets import asset
from greenroom.web.times import told_day, told_month

TEMPLATES: Final = Path(__file__).with_name("templates")

NOBODY: Final = "'none'"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'{connects}; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors {ancestors}"
)
_NO_DEVICES: Final = b"camera=(), microphone=(), geolocation=(), display-capture=()"
_DEVICES: Final = b"camera=(self), microphone=(self), geolocation=(), display-capture=(self)"
_HEADERS: Final[Headers] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with none at all, browsers would not say from where a form comes
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"private, no-store"),  # what somebody saw is not shown again by Back after they signed out
]


class Allowed(Struct, frozen=True, kw_only=True):
    """What a page may do that pages otherwise may not: be in a frame of these origins, use camera, microphone and screen, and
    load scripts from elsewhere or connect to there.
    """

    framed_by: tuple[str, ...] = ()
    devices: bool = False
    scripts: tuple[str, ...] = ()
    connects: tuple[str, ...] = ()


NOTHING: Final = Allowed()


def rendered(template: str, values: dict[str, Any]) -> str:
    """The template with what it needs. Raises jinja2.UndefinedError where it needs more."""
    return environment().get_template(template).render(values)


def page_answer(body: str, *, status: int, headers: Headers, allowed: Allowed = NOTHING) -> Answer:
    """A page, and what it alone may do."""
    octets = body.encode("utf-8", "replace")
    policy = _POLICY.format(
        scripts="".join(f" {one}" for one in allowed.scripts),
        connects="".join(f" {one}" for one in allowed.connects),
        ancestors=" ".join(allowed.framed_by) or NOBODY,
    )
    more: Headers = [
        (b"content-security-policy", policy.encode()),
        (b"permissions-policy", _DEVICES if allowed.devices else _NO_DEVICES),
        *([] if allowed.framed_by else [(b"x-frame-options", b"DENY")]),
    ]
    return Answer(octets, status=status, headers=[*_HEADERS, *more, length_of(octets), *headers])


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
        "texts_for_scripts": lambda prefix=texts.FOR_SCRIPTS: texts.for_scripts(prefix).decode(),
    }
    made.filters |= {"day": told_day, "month": told_month}
    return made

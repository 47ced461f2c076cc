"""The two pages that who unsubscribes sees. They need no script, and name nobody."""

import html
from typing import Final

PAGE_HEADERS: Final = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]

_STYLE: Final = "font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em"
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title></head>'
    '<body style="{style}"><h1>{title}</h1>{body}</body></html>'
)
_QUESTION: Final = (
    '<form method="post" action="{action}"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    "<p>You will get no more mail about live sessions at this address: no reminders, and no word when a session is moved "
    "or cancelled.</p><button>No more mail</button></form>"
)
_DONE: Final = "<p>This address gets no more mail about live sessions.</p>"


def question(*, action: str) -> bytes:
    """The page with the button."""
    body = _QUESTION.format(action=html.escape(action, quote=True))
    return _PAGE.format(title="No more mail?", style=_STYLE, body=body).encode()


def done() -> bytes:
    """The page that says so."""
    return _PAGE.format(title="No more mail", style=_STYLE, body=_DONE).encode()

"""Signed cursors: where a list goes on, bound by HMAC-SHA256 to the list, its brand and its filters."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from app.settings import settings

_KEY = hmac.digest(settings.token_key, b"cursors", "sha256")


def seal(position: bytes, bound: bytes) -> str:
    """Where the next page begins."""
    text = urlsafe_b64encode(position)
    return (text + b"." + _signature(text, bound)).decode()


def opened(cursor: str, bound: bytes) -> bytes | None:
    """The position; None for a cursor that is not ours, or is of another list."""
    text, _, given = cursor.encode().rpartition(b".")
    if not hmac.compare_digest(given, _signature(text, bound)):
        return None
    return urlsafe_b64decode(text)


def _signature(text: bytes, bound: bytes) -> bytes:
    return urlsafe_b64encode(hmac.digest(_KEY, bound + b"\n" + text, "sha256"))

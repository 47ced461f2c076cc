"""Refusals, each with its status, its code and what the caller may know."""

import math
from collections.abc import Mapping

import orjson
from fastapi import Response


class Refusal(Exception):
    """An error that is the caller's answer."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.extra: dict[str, object] = {}

    def answer(self) -> Response:
        """The contract's form."""
        body = orjson.dumps({"error": self.code, "message": self.message, **self.extra})
        return Response(body, self.status, dict(self.headers or {}), "application/json")


def unauthenticated() -> Refusal:
    """No token."""
    return Refusal(401, "unauthenticated", "A bearer token is required.", {"WWW-Authenticate": "Bearer"})


def invalid_token() -> Refusal:
    """A token that is not, or no longer, good."""
    header = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return Refusal(401, "invalid_token", "The token is not valid here.", header)


def insufficient_scope(scope: str) -> Refusal:
    """A good token that does not allow this (RFC 6750)."""
    header = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
    return Refusal(403, "insufficient_scope", f"The token lacks the scope {scope}.", header)


def forbidden() -> Refusal:
    """Somebody else's session."""
    return Refusal(403, "forbidden", "Only the session's host, a co-host or manage:live may do this.")


def forbidden_brand() -> Refusal:
    """Another brand's sessions."""
    return Refusal(403, "forbidden", "brand_id: expected the token's own brand.")


def not_found() -> Refusal:
    """No such session, or another brand's."""
    return Refusal(404, "not_found", "There is no such session.")


def invalid(message: str) -> Refusal:
    """A body that its schema refuses."""
    return Refusal(400, "validation_error", message)


def too_large() -> Refusal:
    """A body over the limit."""
    return Refusal(413, "payload_too_large", "The body is larger than 64 KiB.")


def wrong_type() -> Refusal:
    """A body that is not JSON by its own word."""
    return Refusal(415, "unsupported_media_type", "Expected application/json.")


def stale() -> Refusal:
    """If-Match names another version."""
    return Refusal(412, "precondition_failed", "The session has changed since.")


def invalid_status() -> Refusal:
    """The session is past this."""
    return Refusal(412, "invalid_status", "The status of the session does not allow this.")


def at_capacity() -> Refusal:
    """All seats are taken, and the session has begun: nobody waits any more."""
    return Refusal(412, "at_capacity", "All seats of this session are taken.")


def removed() -> Refusal:
    """A host has removed the person from the session."""
    return Refusal(403, "forbidden", "A host has removed this person from the session; a host may allow them again.")


def rate_limited(wait_ms: int) -> Refusal:
    """Too many in this minute."""
    refusal = Refusal(429, "rate_limited", "Too many requests.", {"Retry-After": str(math.ceil(wait_ms / 1000))})
    refusal.extra = {"retry_after_ms": wait_ms}
    return refusal


def internal() -> Refusal:
    """Ours."""
    return Refusal(500, "internal_error", "Something went wrong here.")

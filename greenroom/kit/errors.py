"""Every error that the wire can answer: a class per error with its code and status.

The form is the contract's `Error`: `{"error": code, "message": text}`. A message names the field and what was
expected, and never repeats what the caller sent. Routes list their errors; the OpenAPI document reads the list.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import msgspec


class GreenroomError(Exception):
    """An answer that is not a success."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    message: ClassVar[str] = "Something went wrong on our side; the request id finds it in the log."

    def __init__(self, message: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        self.text = message or self.message
        self.headers = dict(headers or {})
        super().__init__(self.text)

    def body(self) -> bytes:
        """The answer's body, in the contract's form."""
        return _encoder.encode({"error": self.code, "message": self.text})


_encoder = msgspec.json.Encoder()


class InternalError(GreenroomError):
    """A fault of ours."""


class ValidationFailed(GreenroomError):
    """The request does not say what its schema asks for."""

    status, code, message = 400, "validation_error", "The request is not valid."


class Unauthenticated(GreenroomError):
    """No token came with the request (RFC 6750, section 3)."""

    status, code, message = 401, "unauthenticated", "Send a token: Authorization: Bearer <token>."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class InvalidToken(GreenroomError):
    """The token is malformed, expired, revoked or not ours (RFC 6750, section 3.1)."""

    status, code, message = 401, "invalid_token", "The token is not valid, has expired or was revoked."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class InsufficientScope(GreenroomError):
    """The token lacks the operation's scope (RFC 6750, section 3.1)."""

    status, code, message = 403, "insufficient_scope", "The token lacks the scope that this operation needs."

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"The token lacks the scope {scope}.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )


class Forbidden(GreenroomError):
    """The caller is known and may not do this."""

    status, code, message = 403, "forbidden", "You may not do this."


class NotFound(GreenroomError):
    """Nothing is there, or nothing that the caller may see: the two look the same."""

    status, code, message = 404, "not_found", "There is nothing here."


class MethodNotAllowed(GreenroomError):
    """The path is known, the method is not (RFC 9110, section 15.5.6)."""

    status, code, message = (
        405,
        "method_not_allowed",
        "This path does not take that method; Allow lists those it takes.",
    )


class Conflict(GreenroomError):
    """The request contradicts one that is still running."""

    status, code, message = 409, "conflict", "A request with this Idempotency-Key is still running; try again."

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_seconds)})


class AlreadyRegistered(GreenroomError):
    """The person has a seat in the session already, or a place in its line."""

    status, code, message = 409, "conflict", "Already registered for this session, or in its line."


class IdempotencyKeyPayloadMismatch(GreenroomError):
    """The key was used before with another body."""

    status, code = 409, "idempotency_key_payload_mismatch"
    message = "This Idempotency-Key was used with another body; use a new key for a new request."


class InvalidStatus(GreenroomError):
    """The session's status does not allow this."""

    status, code, message = 412, "invalid_status", "The session's status does not allow this."


class AtCapacity(GreenroomError):
    """All seats are taken, and there is no line to stand in."""

    status, code, message = 412, "at_capacity", "All seats of this session are taken."


class NotJoinable(GreenroomError):
    """There is no way into the session for this registration."""

    status, code, message = 412, "not_joinable", "This registration does not lead into the session."


class InvalidSignature(GreenroomError):
    """What came as a webhook is not signed by the provider, or was signed for another body."""

    status, code, message = 401, "invalid_signature", "The signature is missing, or is not the provider's for this body."


class ProviderFailed(GreenroomError):
    """The provider of video or chat failed, refused, or did not answer in time."""

    status, code, message = 502, "provider_error", "The provider of video or chat failed, and nothing was done; try again."

    def __init__(self, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(headers=None if retry_after_seconds is None else {"Retry-After": str(math.ceil(retry_after_seconds))})


class NotConfigured(GreenroomError):
    """There is no provider for this."""

    status, code, message = 503, "not_configured", "No provider of video is set up for this session."


class PreconditionFailed(GreenroomError):
    """If-Match names a version that is no longer the present one (RFC 9110, section 13.1.1)."""

    status, code = 412, "precondition_failed"
    message = "The session has changed since you read it; read it again and repeat your change."


class PayloadTooLarge(GreenroomError):
    """The body is larger than we read."""

    status, code, message = 413, "payload_too_large", "The body is larger than 64 KiB."


class UnsupportedMediaType(GreenroomError):
    """The body is of a type that the operation does not take."""

    status, code = 415, "unsupported_media_type"

    def __init__(self, accepted: tuple[str, ...]) -> None:
        super().__init__(f"Content-Type: expected {' or '.join(accepted)}.", headers={"Accept": ", ".join(accepted)})


class RateLimited(GreenroomError):
    """Too many requests in this minute (RFC 6585, section 4)."""

    status, code, message = 429, "rate_limited", "Too many requests; wait before the next."

    def __init__(self, *, retry_after_ms: int) -> None:
        self.retry_after_ms = retry_after_ms
        super().__init__(headers={"Retry-After": str(-(-retry_after_ms // 1000))})

    def body(self) -> bytes:
        """The contract's form, and the wait in milliseconds."""
        return _encoder.encode({"error": self.code, "message": self.text, "retry_after_ms": self.retry_after_ms})


class Unavailable(GreenroomError):
    """The database or the identity server cannot be reached, or has no room for this request now."""

    status, code = 503, "unavailable"
    message = "The service cannot reach its database just now; try again. A change that was under way may have been made."

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_seconds)})

"""What a route says of itself: its place in the OpenAPI document, the scope it needs, the limit it counts against."""

from typing import Any, Literal

from msgspec import Struct

from greenroom.kit.errors import (
    Forbidden,
    GreenroomError,
    InsufficientScope,
    InternalError,
    InvalidToken,
    PayloadTooLarge,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from greenroom.kit.http.body import JSON

Limit = Literal["reads", "writes", "admin"]
Location = Literal["path", "query", "header"]

ALWAYS: tuple[type[GreenroomError], ...] = (RateLimited, InternalError, Unavailable)
WITH_TOKEN: tuple[type[GreenroomError], ...] = (Unauthenticated, InvalidToken, InsufficientScope, Forbidden)
WITH_BODY: tuple[type[GreenroomError], ...] = (ValidationFailed, PayloadTooLarge, UnsupportedMediaType)


class Parameter(Struct, frozen=True, kw_only=True):
    """One thing that a request may carry beside its body."""

    name: str
    location: Location
    description: str
    schema: dict[str, Any]
    example: str | None = None


class Link(Struct, frozen=True, kw_only=True):
    """A value of an answer's body with which every operation that has this parameter can be asked next."""

    parameter: Parameter
    pointer: str  # into the body (RFC 6901), such as /id


class AnswerShape(Struct, frozen=True, kw_only=True):
    """A success: what it means, what its body is, which headers it has, what can be asked with it next."""

    description: str
    schema: type[Struct] | None = None
    example: Any = None
    headers: dict[str, str] = {}
    media_type: str = JSON
    or_as: tuple[str, ...] = ()  # other media types, texts, that a request's Accept may ask for
    links: tuple[Link, ...] = ()
    events: dict[str, type[Struct]] = {}  # of a stream of Server-Sent Events: what the data of each says


class Operation(Struct, frozen=True, kw_only=True):
    """One operation of the document. `scope` is None where no token is needed."""

    id: str
    at: str  # method and path, as in "PATCH /v1/sessions/{id}"
    summary: str
    tag: str
    answers: dict[int, AnswerShape]
    scope: str | None = None
    takes_ticket: bool = False  # a browser may send a ticket instead of a token, in the query or as a cookie
    limit: Limit = "reads"
    body: type[Struct] | None = None
    accepts: tuple[str, ...] = (JSON,)
    body_example: Any = None
    parameters: tuple[Parameter, ...] = ()
    query: type[Struct] | None = None
    raises: tuple[type[GreenroomError], ...] = ()

    @property
    def errors(self) -> tuple[type[GreenroomError], ...]:
        """Every error that the operation can answer."""
        with_token = WITH_TOKEN if self.scope else ()
        with_body = WITH_BODY if self.body else ()
        with_query = (ValidationFailed,) if self.query else ()
        return tuple(dict.fromkeys((*self.raises, *with_query, *with_body, *with_token, *ALWAYS)))

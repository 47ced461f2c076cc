"""The request as our routes read it, and the answers they write."""

from typing import Any, TypeVar, cast

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from greenroom.kit.database import Database
from greenroom.kit.errors import PayloadTooLarge, ValidationFailed
from greenroom.kit.http.body import BodyReader
from greenroom.kit.ids import RequestId

BODY_OCTETS = 64 * 1024

T = TypeVar("T", bound=Struct)


class ApiRequest(Request[Any, Any, State]):
    """A request whose JSON is read by the operation's own schema, bounds and media types."""

    raw_body: bytes | None = None

    @property
    def id(self) -> RequestId:
        """What names this request in the log, the audit and the answer."""
        return RequestId(self.scope["request_id"])  # type: ignore[typeddict-item]  # the envelope's own

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    def header(self, name: bytes) -> str | None:
        """The first header of this lower-case name."""
        return next((value.decode("latin-1") for known, value in self.scope["headers"] if known == name), None)

    @property
    def db(self) -> Database:
        """The pool of this process."""
        return cast("Database", self.app.state.db)

    async def read(self, reader: BodyReader[T]) -> T:
        """The body as its schema. Raises PayloadTooLarge, UnsupportedMediaType, ValidationFailed, in this order."""
        body = await self.bounded_body()
        return reader.read(body, media_type=self.media_type)

    async def bounded_body(self) -> bytes:
        """The whole body. Raises PayloadTooLarge as soon as it is known to be larger than 64 KiB."""
        if self.raw_body is None:
            declared = self.header(b"content-length") or ""
            if declared.isdecimal() and int(declared[:19]) > BODY_OCTETS:
                raise PayloadTooLarge
            self.raw_body = await self._receive_body()
        return self.raw_body

    async def _receive_body(self) -> bytes:
        received = b""
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                raise ValidationFailed("The body did not arrive whole.")
            received += message["body"]
            if len(received) > BODY_OCTETS:
                raise PayloadTooLarge
            if not message["more_body"]:
                return received

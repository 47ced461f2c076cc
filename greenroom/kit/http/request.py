"""The request as our routes read it, and the answers they write."""

from typing import TypeVar, cast

from msgspec import Struct

from greenroom.kit.database import Database
from greenroom.kit.errors import PayloadTooLarge, ValidationFailed
from greenroom.kit.http.asgi import Receive, Scope
from greenroom.kit.http.body import BodyReader
from greenroom.kit.ids import RequestId

BODY_OCTETS = 64 * 1024

T = TypeVar("T", bound=Struct)


class ApiRequest:
    """One request."""

    __slots__ = ("_receive", "raw_body", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.raw_body: bytes | None = None
        self._receive = receive

    @property
    def id(self) -> RequestId:
        """What names this request in the log, the audit and the answer."""
        return RequestId(self.scope["request_id"])

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    @property
    def path(self) -> str:
        """The path that was asked for, decoded."""
        return cast("str", self.scope["path"])

    @property
    def address(self) -> str:
        """Where we were asked, as the client wrote it: scheme and host."""
        return f"{self.scope['scheme']}://{self.header(b'host') or 'localhost'}"

    @property
    def query(self) -> bytes:
        """What follows the path's question mark, as it was sent."""
        return cast("bytes", self.scope["query_string"])

    def header(self, name: bytes) -> str | None:
        """The first header of this lower-case name."""
        for known, value in self.scope["headers"]:
            if known == name:
                return str(value, "latin-1")
        return None

    def list_header(self, name: bytes) -> str | None:
        """Every header of this lower-case name as one list (RFC 9110, section 5.3)."""
        lines = [str(value, "latin-1") for known, value in self.scope["headers"] if known == name]
        return ", ".join(lines) if lines else None

    @property
    def db(self) -> Database:
        """The pool of this process."""
        return cast("Database", self.scope["state"]["db"])

    async def read(self, reader: BodyReader[T]) -> T:
        """The body as its schema. Raises PayloadTooLarge, UnsupportedMediaType, ValidationFailed, in this order."""
        body = await self.bounded_body()
        return reader.read(body, media_type=self.media_type)

    async def bounded_body(self, most: int = BODY_OCTETS) -> bytes:
        """The whole body. Raises PayloadTooLarge as soon as it is known to be larger: than 64 KiB unless said otherwise."""
        if self.raw_body is None:
            declared = self.header(b"content-length") or ""
            if not declared and self.header(b"transfer-encoding") is None:  # there is none (RFC 9112, section 6.3)
                self.raw_body = b""
                return b""
            if declared.isdecimal() and int(declared[:19]) > most:
                raise PayloadTooLarge(f"The body is larger than {most // 1024} KiB.")
            self.raw_body = await self._receive_body(most)
        return self.raw_body

    async def _receive_body(self, most: int) -> bytes:
        received = bytearray()  # which grows where it is; octets would be copied with each part that comes
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ValidationFailed("The body did not arrive whole.")
            received.extend(message.get("body", b""))
            if len(received) > most:
                raise PayloadTooLarge(f"The body is larger than {most // 1024} KiB.")
            if not message.get("more_body", False):
                return bytes(received)

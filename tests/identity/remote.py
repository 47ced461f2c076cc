"""An identity server that misbehaves as it is told to, a clock that is moved by hand, and sources that look at both."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from greenroom.identity.claims import ClaimNames
from greenroom.identity.introspection import IntrospectedTokens
from greenroom.identity.jwt_bearer import JwtTokens
from greenroom.identity.published_keys import PublishedKeys
from greenroom.identity.server import IdentityServer

Json = dict[str, Any]
Answer = Callable[[str, bytes], Awaitable[bytes]]

SECONDS = 0.3  # of a source that must give up, and be seen to
PATIENT_SECONDS = 10.0  # of one that must not, however busy the machine is
AUDIENCE = "urn:greenroom"


class Clock:
    """Both clocks of a source: the calendar's, and the one that only goes forward."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        """Later."""
        self.now += seconds


class FakeServer:
    """Answers what `answer` says; counts who asked for what."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.requests: list[bytes] = []
        self.answer: Answer = plain(b"{}")

    async def _unless_gone(self, reader: asyncio.StreamReader, path: str, body: bytes) -> bytes:
        """The answer, unless who asked has gone."""
        answer, gone = asyncio.ensure_future(self.answer(path, body)), asyncio.ensure_future(reader.read())
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            gone.cancel()
            return answer.result()
        answer.cancel()
        return b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
            )
            body = await reader.readexactly(length)
            path = head.split(b" ")[1].decode()
            self.asked.append(path)
            self.requests.append(head + body)
            writer.write(await self._unless_gone(reader, path, body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a client that gave up
        finally:
            writer.close()


@asynccontextmanager
async def fake_server() -> AsyncIterator[FakeServer]:
    """On a free port of this machine."""
    fake = FakeServer("")
    listening = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield fake


def http(body: bytes, *, status: int = 200, headers: str = "") -> bytes:
    """An answer as octets."""
    return f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n".encode() + body


def plain(body: bytes, *, status: int = 200, headers: str = "", wait: float = 0.0) -> Answer:
    """The same answer to every question, after a while."""

    async def answer(_path: str, _body: bytes) -> bytes:
        await asyncio.sleep(wait)
        return http(body, status=status, headers=headers)

    return answer


def saying(said: Any, *, wait: float = 0.0) -> Answer:
    """JSON to every question."""
    return plain(json.dumps(said).encode(), wait=wait)


# What a server may do that is no answer.
MISBEHAVIOUR: dict[str, Answer] = {
    "500": plain(b'{"active": true, "sub": "x", "client_id": "x"}', status=500),
    "502 with a page": plain(b"<html>", status=502),
    "401": plain(b'{"error": "invalid_client"}', status=401),
    "403": plain(b"{}", status=403),
    "404": plain(b"{}", status=404),
    "a redirect": plain(b"", status=302, headers="Location: /elsewhere\r\n"),
    "a redirect that keeps the method": plain(b"", status=307, headers="Location: /elsewhere\r\n"),
    "204": plain(b"", status=204),
    "nothing": plain(b""),
    "a page": plain(b"<html>sign in</html>"),
    "half of it": plain(b'{"active": tr'),
    "an array": plain(b"[]"),
    "a string": plain(b'"active"'),
    "null": plain(b"null"),
    "no UTF-8": plain(b'{"active": true, "sub": "\xff"}'),
    "too deep": plain(b'{"active":' + b"[" * 60_000),
    "too large": plain(b'{"active": true, "pad": "' + b"x" * 300_000 + b'"}'),
    "packed": plain(b"\x1f\x8b\x08\x00", headers="Content-Encoding: gzip\r\n"),
    "slow": plain(b'{"active": true}', wait=PATIENT_SECONDS * 2),
}


@asynccontextmanager
async def introspected(
    url: str,
    clock: Clock,
    *,
    names: ClaimNames | None = None,
    audience: str | None = None,
    cache_seconds: float = 60,
    credentials: tuple[str, str] = ("greenroom", "secret"),
    seconds: float = PATIENT_SECONDS,
) -> AsyncIterator[IntrospectedTokens]:
    """The source of tokens that are introspected there."""
    tokens = IntrospectedTokens(
        IdentityServer("introspection", seconds=seconds),
        url=url,
        client_id=credentials[0],
        client_secret=credentials[1],
        audience=audience,
        names=names or ClaimNames(),
        cache_seconds=cache_seconds,
        clock=clock,
        ticks=clock,
    )
    yield tokens
    await tokens.close()


@asynccontextmanager
async def signed(
    issuer: str,
    clock: Clock,
    *,
    url: str | None = None,
    types: tuple[str, ...] = ("at+jwt",),
    names: ClaimNames | None = None,
    audience: str = AUDIENCE,
    seconds: float = PATIENT_SECONDS,
) -> AsyncIterator[JwtTokens]:
    """The source of JWTs of this issuer."""
    keys = PublishedKeys(IdentityServer("jwt", seconds=seconds), issuer=issuer, url=url, ticks=clock)
    tokens = JwtTokens(keys, issuer=issuer, audience=audience, types=types, names=names or ClaimNames(), clock=clock)
    yield tokens
    await tokens.close()

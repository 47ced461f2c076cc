"""One attempt to deliver: a POST that must be answered 2xx in time. Source: Standard Webhooks."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
from msgspec import Struct

from greenroom import __version__
from greenroom.webhooks.dialing import SIP_OCTETS, AddressRefusedError, CheckedNetwork, UnresolvedError
from greenroom.webhooks.schemas import DeliveryError
from greenroom.webhooks.targets import Target

ATTEMPT_SECONDS = 15.0  # from resolving the name to the answer's end
READ_OCTETS = 16 * 1024  # of the answer's body; its head is bounded by h11
USER_AGENT = f"Greenroom/{__version__}"
GONE = 410
ASKS_TO_WAIT = frozenset({429, 503})

_CUT = (httpcore.ReadError, httpcore.RemoteProtocolError, httpcore.WriteError)


class Attempt(Struct, frozen=True):
    """What came of it. `status` None: no answer; `error` None: it was delivered; `asked`: seconds to wait, at least."""

    status: int | None
    error: DeliveryError | None
    ms: int
    ended: float  # of time.monotonic
    asked: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether it was answered 2xx in time."""
        return self.error is None


class Line:
    """A way to one endpoint, for one request after another. A connection is kept as long as it answers in good order."""

    def __init__(self, target: Target, network: CheckedNetwork, trust: ssl.SSLContext) -> None:
        self._target = target
        self._network = network
        self._trust = trust
        self._connection: httpcore.AsyncHTTPConnection | None = None

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Deliver the body."""
        begun = time.monotonic()
        status: int | None = None
        asked: float | None = None
        error: DeliveryError | None
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                status, asked = await self._posted(body, headers)
            error = _error_of(status)
        except Exception as failure:  # noqa: BLE001  # whatever an endpoint provokes is its own failure
            error = _named(failure)
            await self.close()
        ended = time.monotonic()
        return Attempt(status, error, round((ended - begun) * 1000), ended, asked)

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    async def _posted(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        if self._connection is not None and self._connection.is_available() and not self._connection.has_expired():
            try:
                return await self._asked(self._connection, body, headers)
            except _CUT:  # a peer may hang up on a kept connection at any time (RFC 9112, section 9.5)
                pass
        await self.close()
        self._connection = httpcore.AsyncHTTPConnection(
            httpcore.Origin(self._target.scheme.encode(), self._target.host.encode(), self._target.port),
            ssl_context=self._trust,
            network_backend=self._network,
        )
        return await self._asked(self._connection, body, headers)

    async def _asked(
        self, connection: httpcore.AsyncHTTPConnection, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, float | None]:
        """The status, and for how long we are asked to wait. No redirect is followed."""
        url = httpcore.URL(scheme=self._target.scheme, host=self._target.host, port=self._target.port, target=self._target.path)
        named = [
            ("Host", self._target.authority),
            ("Content-Type", "application/json"),
            ("User-Agent", USER_AGENT),
            *headers.items(),
        ]
        async with connection.stream("POST", url, headers=named, content=body) as response:
            read = 0
            async for part in response.aiter_stream():
                read += len(part)
                if read > READ_OCTETS - SIP_OCTETS:
                    break
            return response.status, asked_wait(response)


def _error_of(status: int) -> DeliveryError | None:
    match status // 100:
        case 2:
            return None
        case 3:
            return "redirect"
    return "gone" if status == GONE else "status"


def _named(failure: Exception) -> DeliveryError:
    match failure:
        case AddressRefusedError():
            return "address_refused"
        case UnresolvedError():
            return "host_not_found"
        case TimeoutError():
            return "timeout"
        case httpcore.ConnectError() if isinstance(failure.__cause__ or failure.__context__, ssl.SSLError):
            return "tls"
        case httpcore.ConnectError() | httpcore.ConnectTimeout():
            return "connection_refused"
    return "connection_lost"


def asked_wait(response: httpcore.Response) -> float | None:
    """Seconds of Retry-After (RFC 9110, section 10.2.3), where the status asks to wait."""
    if response.status not in ASKS_TO_WAIT:
        return None
    said = next((value.decode("latin-1").strip() for name, value in response.headers if name.lower() == b"retry-after"), "")
    if said.isdecimal():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    if until.tzinfo is None:
        return None
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)

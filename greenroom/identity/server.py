"""The identity server, asked over HTTP within bounds: of time, of octets, of connections, of places it may send us to.

A proper answer is a status that was expected and a JSON object. Whatever else happens is Unavailable, never a pass, and is
logged by its kind alone: no token, no secret, no address.
"""

import asyncio
import logging
import ssl
import time
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import msgspec
from msgspec import Struct

from greenroom.kit.errors import Unavailable
from greenroom.kit.telemetry import identity_seconds, logger

CONNECTIONS = 16
IDLE_SECONDS = 3.0  # less than servers keep an idle connection, so that we seldom write to one that is being closed
LOG_SECONDS = 1.0  # an outage is one line a second, not one for each request; the histogram counts them all
RETRY_AFTER_SECONDS = 1
MESSAGE = "The identity server cannot be reached just now; try again."

JsonObject = dict[str, Any]

_decode = msgspec.json.Decoder().decode


class Reply(Struct, frozen=True):
    """What the server said."""

    status: int
    said: JsonObject


class _Question(Struct, frozen=True, kw_only=True):
    method: str
    url: str
    most_octets: int
    headers: dict[str, str] = {}
    form: dict[str, str] | None = None
    expected: frozenset[HTTPStatus] = frozenset({HTTPStatus.OK})


class _Failure(Exception):
    """Why there is no proper answer: the outcome for the histogram, and what the log may add."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.detail = detail


class IdentityServer:
    """Asks; `source` names the asker in logs and metrics."""

    def __init__(self, source: str, *, seconds: float) -> None:
        import httpx  # noqa: PLC0415  # who has local tokens alone does not pay for it

        for name in ("httpx", "httpcore"):  # they log addresses with their queries, and at `debug` headers
            logging.getLogger(name).setLevel(logging.WARNING)
        self.seconds = seconds
        self._source = source
        self._httpx = httpx
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._logged_at = -LOG_SECONDS
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            limits=httpx.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=IDLE_SECONDS
            ),
            timeout=None,  # noqa: S113  # `_ask` bounds all of it together
            trust_env=False,
            follow_redirects=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "greenroom"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def get(self, url: str, *, most_octets: int) -> JsonObject:
        """The JSON object at the address. Raises Unavailable."""
        reply = await self._ask(_Question(method="GET", url=url, most_octets=most_octets))
        return reply.said

    async def post(
        self,
        url: str,
        form: dict[str, str],
        *,
        authorization: str | None,
        expected: frozenset[HTTPStatus],
        most_octets: int,
    ) -> Reply:
        """What the server answers to the form. Raises Unavailable, also for a status that is not expected."""
        headers = {} if authorization is None else {"Authorization": authorization}
        return await self._ask(
            _Question(method="POST", url=url, headers=headers, form=form, expected=expected, most_octets=most_octets)
        )

    def unavailable(self, detail: str, *, outcome: str = "nonsense") -> Unavailable:
        """The error of an asker that cannot tell, for example by a JSON answer that it cannot use; it is logged."""
        now = time.monotonic()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            logger().warning("identity_server_failed", source=self._source, outcome=outcome, detail=detail)
        return Unavailable(MESSAGE, retry_after_seconds=RETRY_AFTER_SECONDS)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _ask(self, question: _Question) -> Reply:
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            async with asyncio.timeout(self.seconds), self._turns:
                reply = await self._answer_to(question)
            outcome = "answered"
        except TimeoutError:
            outcome = "timeout"
            raise self.unavailable(f"no answer within {self.seconds} s", outcome=outcome) from None
        except _Failure as failure:
            outcome = failure.outcome
            raise self.unavailable(failure.detail, outcome=outcome) from None
        finally:
            identity_seconds.labels(self._source, outcome).observe(time.perf_counter() - started)
        return reply

    async def _answer_to(self, question: _Question) -> Reply:
        """A kept connection may be closed by the server just as we write to it: asking changes nothing, so ask again."""
        httpx = self._httpx
        try:
            try:
                return await self._exchange(question)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                return await self._exchange(question)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _Failure("unreachable", type(error).__name__) from None

    async def _exchange(self, question: _Question) -> Reply:
        async with self._client.stream(question.method, question.url, headers=question.headers, data=question.form) as response:
            if response.status_code not in question.expected:
                raise _Failure("refused", f"status {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise _Failure("nonsense", "an encoding that was not asked for")
            body = bytearray()
            async for octets in response.aiter_raw():
                body += octets
                if len(body) > question.most_octets:
                    raise _Failure("nonsense", "too large")
        return Reply(response.status_code, _object_in(body))


def _object_in(body: bytearray) -> JsonObject:
    try:
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Failure("nonsense", "not JSON") from None
    if not isinstance(said, dict):
        raise _Failure("nonsense", "not a JSON object")
    return said

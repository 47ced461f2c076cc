"""Connections to endpoints: a name is resolved, every address is judged, and the address itself is connected to."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from weakref import WeakValueDictionary

import httpcore

from greenroom.webhooks.addresses import Reach, address_in

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

SIP_OCTETS = 4 * 1024
ADDRESS_SECONDS = 5.0  # for one that does not answer, while there are others


class AddressRefusedError(Exception):
    """The host's name leads to an address that webhooks may not go to."""


class UnresolvedError(Exception):
    """The host's name leads nowhere."""


class Resolver:
    """The system's resolver, on threads of its own: it may take its time, and no other lane waits for it. A brand has a share
    of the threads: one whose names are answered late, or never, holds up itself.
    """

    def __init__(self, *, threads: int, share: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhooks")
        self._share = share
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, brand: str) -> Resolve:
        """What resolves for a brand."""
        turns = self._turns.get(brand)
        if turns is None:
            turns = self._turns[brand] = asyncio.Semaphore(self._share)
        return partial(self._resolved, turns)

    async def _resolved(self, turns: asyncio.Semaphore, host: str, port: int) -> Sequence[str]:
        """Every address of the host. Raises UnresolvedError."""
        if address_in(host) is not None:
            return [host]
        await turns.acquire()
        try:
            looking = self._threads.submit(_looked_up, host, port)
        except RuntimeError as error:  # it is closed
            turns.release()
            raise UnresolvedError from error
        loop = asyncio.get_running_loop()

        def over(_: Future[list[str]]) -> None:  # when the thread is free again, which may be long after who asked has gone
            with suppress(RuntimeError):  # the loop has ended before
                loop.call_soon_threadsafe(turns.release)

        looking.add_done_callback(over)
        try:
            found = await asyncio.wrap_future(looking)
        except (OSError, UnicodeError) as error:
            raise UnresolvedError from error
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Begin no further look-up."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """httpcore's way to the network, by which only addresses are reached that may be. TLS and Host keep the URL's name."""

    def __init__(self, resolve: Resolve, reach: Reach) -> None:
        self._resolve = resolve
        self._reach = reach
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """See httpcore. Raises AddressRefusedError where any of the host's addresses is refused, UnresolvedError."""
        addresses = await self._resolve(host, port)
        if not addresses:
            raise UnresolvedError
        if not all(self._reach.allows(host, address) for address in addresses):
            raise AddressRefusedError
        for address in addresses[:-1]:
            try:
                opened = await self._network.connect_tcp(address, port, ADDRESS_SECONDS, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return SippingStream(opened)
        return SippingStream(await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        """See httpcore."""
        await asyncio.sleep(seconds)


class SippingStream(httpcore.AsyncNetworkStream):
    """A connection of which little is read at once, so that reading can end in time."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's
        """See httpcore."""
        return await self._stream.read(min(max_bytes, SIP_OCTETS), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  # httpcore's
        """See httpcore."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """See httpcore."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """See httpcore."""
        return SippingStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> object:
        """See httpcore."""
        return self._stream.get_extra_info(info)


def trusting() -> ssl.SSLContext:
    """Certificates of the authorities that certifi and this system trust."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


def _looked_up(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

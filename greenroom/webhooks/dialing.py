"""Connections to endpoints: a name is resolved, every address is judged, and the address itself is connected to."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpcore

from greenroom.webhooks.addresses import Reach, address_in

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

ADDRESS_SECONDS = 5.0  # for one that does not answer, while there are others


class AddressRefusedError(Exception):
    """The host's name leads to an address that webhooks may not go to."""


class UnresolvedError(Exception):
    """The host's name leads nowhere."""


class Resolver:
    """The system's resolver, on threads of its own: it may take its time, and no other lane waits for it."""

    def __init__(self, *, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhooks")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Every address of the host. Raises UnresolvedError."""
        if address_in(host) is not None:
            return [host]
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, _looked_up, host, port)
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
                return await self._network.connect_tcp(address, port, ADDRESS_SECONDS, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """See httpcore."""
        await asyncio.sleep(seconds)


def trusting() -> ssl.SSLContext:
    """Certificates of the authorities that certifi and this system trust."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


def _looked_up(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

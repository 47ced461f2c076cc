"""A network between two browsers and a server, which can be cut: everything of one person goes through it.

Pages and the signalling go by a proxy (TCP). Picture and sound go by relays (UDP): the page of whoever is behind the network is
given a relay's address for each of the other's, and the other learns no address but those from which a relay sends.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from playwright.async_api import BrowserContext

Address = tuple[str, int]

# A candidate is one line (RFC 8839, section 5.1): its fifth and sixth words are the address and the port.
REROUTED = """
{
  const rerouted = async (candidate) => {
    const words = candidate.split(" ");
    if (words.length < 6) return candidate;
    if (!window.relayFor || words[2].toLowerCase() !== "udp" || words[4].includes(":")) return "";
    words[5] = await window.relayFor(words[4], Number(words[5]));
    return words.join(" ");
  };
  const { addIceCandidate: add, setRemoteDescription: set } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.addIceCandidate = async function (candidate) {
    const line = candidate?.candidate && (await rerouted(candidate.candidate));
    if (line) await add.call(this, { ...(candidate.toJSON?.() ?? candidate), candidate: line });
  };
  RTCPeerConnection.prototype.setRemoteDescription = async function ({ type, sdp }) {
    const lines = [];
    for (const line of sdp.split("\\r\\n")) {
      if (!line.startsWith("a=candidate:")) lines.push(line);
      else {
        const candidate = await rerouted(line.slice(2));
        if (candidate) lines.push(`a=${candidate}`);
      }
    }
    await set.call(this, { type, sdp: lines.join("\\r\\n") });
  };
}
"""


class Network:
    """What somebody is behind."""

    def __init__(self, service_port: int) -> None:
        self.service_port = service_port
        self.carried = 0  # datagrams of picture and sound
        self._up = asyncio.Event()
        self._up.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._listening: asyncio.Server | None = None
        self._relays: list[_Relay] = []

    @property
    def url(self) -> str:
        """Where the server is found through it."""
        if self._listening is None:
            raise AssertionError("nobody listens yet")
        return f"http://127.0.0.1:{self._listening.sockets[0].getsockname()[1]}"

    @property
    def is_up(self) -> bool:
        """Whether it carries anything."""
        return self._up.is_set()

    async def put_before(self, behind: BrowserContext, *others: BrowserContext) -> None:
        """Whoever is in this window is behind it from now on, and meets the others through it alone."""
        await behind.expose_function("relayFor", self._relay_for)
        for context in (behind, *others):
            await context.add_init_script(REROUTED)

    async def listen(self) -> None:
        """On a free port."""
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        """Be gone."""
        if self._listening is not None:
            self._listening.close()
        self.break_connections()
        self.change_addresses()

    def cut(self) -> None:
        """Nothing goes through it any more: datagrams are lost, connections are silent."""
        self._up.clear()

    def mend(self) -> None:
        """All goes on; connections that are there still with what they had to say."""
        self._up.set()

    def break_connections(self) -> None:
        """Each connection to the server breaks; what is sent between browsers goes on."""
        for writer in list(self._open):
            writer.transport.abort()

    def change_addresses(self) -> None:
        """Whoever is behind it has other addresses from now on: the ways that were found lead nowhere."""
        for relay in self._relays:
            relay.close()
        self._relays.clear()

    async def _relay_for(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        transport, relay = await loop.create_datagram_endpoint(lambda: _Relay(self, (host, port)), local_addr=("0.0.0.0", 0))  # noqa: S104
        self._relays.append(relay)
        listens: Address = transport.get_extra_info("sockname")
        return listens[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            from_service, to_service = await asyncio.open_connection("127.0.0.1", self.service_port)
            self._open |= {writer, to_service}
            ways = [
                asyncio.ensure_future(self._copy(reader, to_service)),
                asyncio.ensure_future(self._copy(from_service, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                self._open -= {writer, to_service}
                to_service.close()
        writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65_536):
            await self._up.wait()
            writer.write(octets)
            await writer.drain()


class _Relay(asyncio.DatagramProtocol):
    """Stands for one address of the other: what comes from an address here goes to it by a socket of its own, and back."""

    def __init__(self, network: Network, to: Address) -> None:
        self._network = network
        self._to = to
        self._ways: dict[Address, _Way] = {}
        self._making: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self._network.is_up:
            return
        if addr in self._ways:
            self._network.carried += 1
            self._ways[addr].send(data)
        else:  # the first are lost, as datagrams may be
            making = asyncio.ensure_future(self._make(addr))
            self._making.add(making)
            making.add_done_callback(self._making.discard)

    async def _make(self, addr: Address) -> None:
        _, way = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Way(self, addr), remote_addr=self._to)
        if addr in self._ways or self._transport is None:
            way.close()
        else:
            self._ways[addr] = way

    def send_back(self, data: bytes, addr: Address) -> None:
        """From the other to who is behind."""
        if self._network.is_up and self._transport is not None:
            self._network.carried += 1
            self._transport.sendto(data, addr)

    def close(self) -> None:
        """It leads nowhere any more."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        for way in self._ways.values():
            way.close()


class _Way(asyncio.DatagramProtocol):
    """One side of a relay: a socket that the other sees."""

    def __init__(self, relay: _Relay, addr: Address) -> None:
        self._relay = relay
        self._addr = addr
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002  # it is connected to one
        self._relay.send_back(data, self._addr)

    def send(self, data: bytes) -> None:
        """To the other."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data)

    def close(self) -> None:
        """Gone."""
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def network_to(service_port: int) -> AsyncIterator[Network]:
    """A network to the server."""
    network = Network(service_port)
    await network.listen()
    try:
        yield network
    finally:
        await network.close()

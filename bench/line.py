"""One connection to a server, as thin as it can be: what the client adds to two latencies hides their ratio."""

import re
import socket
import time

from bench.contenders import Running
from bench.tools import BenchError

RECEIVED_AT_ONCE = 256 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


def request(method: str, target: str, token: str, body: str | None = None) -> bytes:
    """The octets of a request."""
    head = f"{method} {target} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    content = (body or "").encode()
    if method != "GET":
        head += f"Content-Length: {len(content)}\r\n"
    if body is not None:
        head += "Content-Type: application/json\r\n"
    return f"{head}\r\n".encode() + content


class Line:
    """The connection."""

    def __init__(self, server: Running) -> None:
        self._title = server.contender.title
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self, octets: bytes) -> bytes:
        """The answer's body. Raises BenchError for one that is no success."""
        self._socket.sendall(octets)
        answer = self._socket.recv(RECEIVED_AT_ONCE)
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not head.startswith(b"HTTP/1.1 20") or length is None:
            asked = octets.partition(b" HTTP/")[0].decode()
            raise BenchError(f"{self._title}: {asked} was answered {answer[:500].decode(errors='replace')}")
        while len(body) < int(length[1]):
            body += self._more()
        return body

    def milliseconds(self, octets: bytes) -> float:
        """From the request's first octet to the answer's last."""
        begun = time.perf_counter()
        self.ask(octets)
        return (time.perf_counter() - begun) * 1000

    def _more(self) -> bytes:
        more = self._socket.recv(RECEIVED_AT_ONCE)
        if not more:
            raise BenchError(f"{self._title} hung up")
        return more

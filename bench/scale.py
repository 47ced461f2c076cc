"""Does a list get slower with a thousand times the sessions? Greenroom on two databases, each asked in its turn."""

import random
import re
import socket
import time
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from bench.contenders import Running, greenroom, operators_token, running
from bench.database import lists_database
from bench.lists import LIST, UPCOMING
from bench.seed import HOST_UPCOMING, UPCOMING_SESSIONS
from bench.tools import BenchError

SMALL, BIG = 1, 1000  # brands, of 1,000 sessions each
LARGEST_PAGE = 100
RECEIVED_AT_ONCE = 256 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Asked(Struct, frozen=True, kw_only=True):
    """One kind of list: its first page, or with `depth` the page behind as many sessions."""

    title: str
    filters: dict[str, str]
    depth: int = 0
    is_of_one_brand: bool = True


OF_HOST = {**UPCOMING, "host_id": "host_1"}
LISTS = (
    Asked(title="a brand's upcoming, first page", filters=UPCOMING),
    Asked(title="a brand's upcoming, half way", filters=UPCOMING, depth=UPCOMING_SESSIONS // 2),
    Asked(title="a host's upcoming, first page", filters=OF_HOST),
    Asked(title="a host's upcoming, half way", filters=OF_HOST, depth=HOST_UPCOMING // 2),
    Asked(title="all brands' upcoming, first page", filters=UPCOMING, is_of_one_brand=False),
)


class Scale(Struct, frozen=True, kw_only=True):
    """Median latencies of one kind of list in milliseconds, one of each round."""

    title: str
    is_judged: bool
    small: list[float]
    big: list[float]


class Site(Struct, frozen=True):
    """A server, a token for it, and how many brands its database has."""

    server: Running
    token: str
    brands: int


class Line:
    """One connection to a server, as thin as it can be: what the client adds to both latencies hides their ratio."""

    def __init__(self, site: Site) -> None:
        self._title = site.server.contender.title
        self._socket = socket.create_connection(("127.0.0.1", site.server.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"Host: bench\r\nAuthorization: Bearer {site.token}\r\n\r\n"

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def request(self, filters: dict[str, str]) -> bytes:
        """The octets that ask for a list."""
        return f"GET {LIST}?{urlencode(filters)} HTTP/1.1\r\n{self._head}".encode()

    def ask(self, request: bytes) -> bytes:
        """The answer's body. Raises BenchError for one that is no success."""
        self._socket.sendall(request)
        answer = self._socket.recv(RECEIVED_AT_ONCE)
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise BenchError(f"{self._title}: the list answered {answer[:500].decode(errors='replace')}")
        while len(body) < int(length[1]):
            body += self._more()
        return body

    def milliseconds(self, request: bytes) -> float:
        """From the request's first octet to the answer's last."""
        begun = time.perf_counter()
        self.ask(request)
        return (time.perf_counter() - begun) * 1000

    def _more(self) -> bytes:
        more = self._socket.recv(RECEIVED_AT_ONCE)
        if not more:
            raise BenchError(f"{self._title} hung up")
        return more


def measure_scale(*, rounds: int, requests: int, pool: int, log: Path) -> list[Scale]:
    """Every kind of list, on both databases. Raises BenchError."""
    with ExitStack() as stack:
        sites = []
        for brands in (SMALL, BIG):
            server = greenroom(stack.enter_context(lists_database(brands=brands)))
            listening = stack.enter_context(running(server, pool=pool, log=log))
            sites.append(Site(listening, operators_token(server), brands))
        small, big = sites
        return [_side_by_side(asked, small, big, rounds=rounds, requests=requests) for asked in LISTS]


def _side_by_side(asked: Asked, small_site: Site, big_site: Site, *, rounds: int, requests: int) -> Scale:
    """In turns, request by request: a slow minute is slow for both. Every brand is asked before any is measured."""
    of_small, of_big = _requests(small_site, asked), _requests(big_site, asked)
    found = Scale(title=asked.title, is_judged=asked.is_of_one_brand, small=[], big=[])
    with closing(Line(small_site)) as small, closing(Line(big_site)) as big:
        _take_turns(found, (small, of_small), (big, of_big), rounds=rounds, requests=requests)
    return found


def _take_turns(
    found: Scale, to_small: tuple[Line, list[bytes]], to_big: tuple[Line, list[bytes]], *, rounds: int, requests: int
) -> None:
    (small, of_small), (big, of_big) = to_small, to_big
    for _ in range(rounds):
        pairs = [
            (small.milliseconds(random.choice(of_small)), big.milliseconds(random.choice(of_big))) for _ in range(requests)
        ]
        found.small.append(median(pair[0] for pair in pairs))
        found.big.append(median(pair[1] for pair in pairs))


def _requests(site: Site, asked: Asked) -> list[bytes]:
    """One for each brand, so that no brand's rows are more at hand than another's."""
    with closing(Line(site)) as line:
        if not asked.is_of_one_brand:
            requests = [line.request(asked.filters)]
        else:
            of_brands = ({**asked.filters, "brand_id": f"brand_{number}"} for number in range(1, site.brands + 1))
            requests = [line.request(_behind(line, filters, asked.depth)) for filters in of_brands]
        for request in requests:
            line.ask(request)
        return requests


def _behind(line: Line, filters: dict[str, str], depth: int) -> dict[str, str]:
    """The filters with the cursor that is behind `depth` sessions; the cursor of a page is good for any limit."""
    cursor: dict[str, str] = {}
    while depth > 0:
        step = min(depth, LARGEST_PAGE)
        page = msgspec.json.decode(line.ask(line.request({**filters, **cursor, "limit": str(step)})))
        if page["next_cursor"] is None:
            raise BenchError("a list ended before half of it was read")
        cursor = {"cursor": page["next_cursor"]}
        depth -= step
    return {**filters, **cursor}

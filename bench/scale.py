"""Does a list get slower with a thousand times the sessions? Greenroom on two databases, each asked in its turn."""

import random
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from bench.contenders import Running, greenroom, operators_token, running
from bench.database import lists_database
from bench.line import Line, request
from bench.lists import LIST, UPCOMING
from bench.seed import HOST_UPCOMING, UPCOMING_SESSIONS
from bench.tools import BenchError

SMALL, BIG = 1, 1000  # brands, of 1,000 sessions each
LARGEST_PAGE = 100


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

    def request(self, filters: dict[str, str]) -> bytes:
        """The octets that ask for a list."""
        return request("GET", f"{LIST}?{urlencode(filters)}", self.token)


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
    with closing(Line(small_site.server)) as small, closing(Line(big_site.server)) as big:
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
    with closing(Line(site.server)) as line:
        if not asked.is_of_one_brand:
            requests = [site.request(asked.filters)]
        else:
            of_brands = ({**asked.filters, "brand_id": f"brand_{number}"} for number in range(1, site.brands + 1))
            requests = [site.request(_behind(site, line, filters, asked.depth)) for filters in of_brands]
        for each in requests:
            line.ask(each)
        return requests


def _behind(site: Site, line: Line, filters: dict[str, str], depth: int) -> dict[str, str]:
    """The filters with the cursor that is behind `depth` sessions; the cursor of a page is good for any limit."""
    cursor: dict[str, str] = {}
    while depth > 0:
        step = min(depth, LARGEST_PAGE)
        page = msgspec.json.decode(line.ask(site.request({**filters, **cursor, "limit": str(step)})))
        if page["next_cursor"] is None:
            raise BenchError("a list ended before half of it was read")
        cursor = {"cursor": page["next_cursor"]}
        depth -= step
    return {**filters, **cursor}

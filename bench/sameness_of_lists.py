"""Do the contenders list the same sessions, in the same order, over the same pages? And refuse the same queries?"""

import http.client
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from bench.contenders import Running
from bench.lists import LIST, PAGE, UPCOMING
from bench.sameness import Reply
from bench.tools import BenchError

Filters = dict[str, str]

# The upcoming sessions are walked through to the last; of these come the first pages.
OTHERS: tuple[Filters, ...] = (
    {"limit": "100"},
    {},
    {"upcoming_only": "1", "upcoming": "true", "host_user_id": "host_1", "limit": "7"},
    {"host_id": "host_3", "host_user_id": "host_3", "limit": "007"},
    {"upcoming": "0", "status": "ended", "limit": "1000"},
    {"upcoming": "true", "status": "live"},
    {"status": "cancelled", "kind": "office_hours", "category": "sleep"},
    {"community_id": "parents", "limit": "33", "unknown": "ignored"},
    {"brand_id": "brand_1", "category": "movement", "upcoming": "true"},
    {"month": "2020-02"},
    {"month": "9999-12"},
)
PAGES_OF_OTHERS = 3
REFUSED = (
    "limit=0",
    "limit=-1",
    "limit=ten",
    "limit=1&limit=2",
    "upcoming=yes",
    "upcoming=true&upcoming_only=0",
    "host_id=host_1&host_user_id=host_2",
    "host_id=",
    "status=open",
    "kind=LIVE",
    "month=2026-13",
    "month=2026-1",
    "category=%00",
    "cursor=",
    "cursor=abc.def",
    "brand_id=acme",
)


class Link(http.client.HTTPConnection):
    """One connection to a contender; it remembers what was said."""

    def __init__(self, server: Running) -> None:
        super().__init__("127.0.0.1", server.port, timeout=10)
        self.title = server.contender.title
        self.token = server.contender.lists_token
        self.said: list[Reply] = []

    def ask(self, query: str, *, authorized: bool = True) -> str | None:
        """The cursor of the next page. Raises BenchError where the Link header says something else."""
        self.request("GET", f"{LIST}?{query}", headers={"Authorization": f"Bearer {self.token}"} if authorized else {})
        answer = self.getresponse()
        body = json.loads(answer.read())
        if "error" in body:
            self.said.append(Reply(answer.status, None, body["error"]))
            return None
        cursor: str | None = body["next_cursor"]
        if _next_in(answer.headers.get("Link")) != _expected(query, cursor):
            raise BenchError(f"{self.title}: of {query} the Link header says {answer.headers.get('Link')}")
        # Cursors are signed with keys of their own; that there is one is the same.
        self.said.append(Reply(answer.status, answer.headers.get("Cache-Control"), [body["sessions"], cursor is None]))
        return cursor


def list_replies(server: Running) -> list[Reply]:
    """What the contender answers about its lists, and to queries that none of them may take."""
    link = Link(server)
    month = f"{datetime.now(UTC):%Y-%m}"
    try:
        _walk(link, UPCOMING, pages=1000)
        for filters in (*OTHERS, {"month": month}, {"month": month, "upcoming": "true"}):
            _walk(link, filters, pages=PAGES_OF_OTHERS)
        cursor = link.ask(urlencode(UPCOMING))
        link.ask(urlencode({"limit": "3", "cursor": str(cursor), "upcoming": "true"}))  # another limit may follow
        link.ask(urlencode({"cursor": str(cursor)}))  # but no other filters
        link.ask(urlencode({**UPCOMING, "cursor": f"{cursor}x"}))
        for query in REFUSED:
            link.ask(query)
        link.ask(urlencode(UPCOMING), authorized=False)
    finally:
        link.close()
    return link.said


def check_order(replies: list[Reply], *, upcoming: int) -> None:
    """Raises BenchError unless the first pages are the whole of a list, each session once and by time."""
    rows: list[tuple[str, str]] = []
    for reply in replies:
        if not isinstance(reply.body, list):
            raise BenchError(f"a page was answered with {reply.status}")
        sessions, is_last = reply.body
        rows += [(session["scheduled_at"], session["id"]) for session in sessions]
        if is_last:
            break
        if len(sessions) != PAGE:
            raise BenchError(f"a page of {len(sessions)} has another one behind it")
    if rows != sorted(set(rows)) or len(rows) != upcoming:
        raise BenchError(
            f"{upcoming} upcoming sessions by time were expected, and {len(rows)} came, {len(set(rows))} different"
        )


def _walk(link: Link, filters: Filters, *, pages: int) -> None:
    cursor = link.ask(urlencode(filters))
    while cursor is not None and pages > 1:
        cursor = link.ask(urlencode({**filters, "cursor": cursor}))
        pages -= 1


def _next_in(header: str | None) -> list[tuple[str, str]] | None:
    """The query of the next page, by the Link header (RFC 8288)."""
    if header is None:
        return None
    target, _, relation = header.partition(">")
    if relation != '; rel="next"':
        raise BenchError(f"a Link header says {header}")
    return sorted(parse_qsl(urlsplit(target.removeprefix("<")).query))


def _expected(query: str, cursor: str | None) -> list[tuple[str, str]] | None:
    if cursor is None:
        return None
    return sorted([*(pair for pair in parse_qsl(query) if pair[0] != "cursor"), ("cursor", cursor)])

"""A list as a client reads it: page after page, by the cursors that the server gives."""

import http.client
import json
from urllib.parse import urlencode

from msgspec import Struct

from bench.contenders import Running
from bench.tools import BenchError

PAGE = 20
UPCOMING = {"upcoming": "true", "limit": str(PAGE)}
LIST = "/v1/live/sessions"


class Page(Struct, frozen=True):
    """One answer of a list: its sessions, where the next page begins, and what the Link header says of that."""

    sessions: list[dict[str, object]]
    next_cursor: str | None
    link: str | None


def page_of(server: Running, token: str, filters: dict[str, str]) -> Page:
    """One page. Raises BenchError for an answer that is none."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", f"{LIST}?{urlencode(filters)}", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise BenchError(f"{server.contender.title}: the list answered {answer.status}: {body.decode(errors='replace')}")
    document = json.loads(body)
    return Page(document["sessions"], document["next_cursor"], answer.headers.get("Link"))


def pages_of(server: Running, token: str, filters: dict[str, str]) -> list[Page]:
    """Every page of a list, by its cursors."""
    pages = [page_of(server, token, filters)]
    while (cursor := pages[-1].next_cursor) is not None:
        pages.append(page_of(server, token, {**filters, "cursor": cursor}))
    return pages


def cursors_of(server: Running, token: str, filters: dict[str, str]) -> list[str]:
    """The cursors of a list's pages; the one in the middle is half way through. Raises BenchError when there are none."""
    found = [page.next_cursor for page in pages_of(server, token, filters) if page.next_cursor is not None]
    if not found:
        raise BenchError(f"{server.contender.title}: the list has one page only")
    return found

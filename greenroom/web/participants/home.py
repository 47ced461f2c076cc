"""What is on: the pages of a brand."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from msgspec import UNSET, Struct, UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.errors import NotFound
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.query import QueryReader
from greenroom.kit.ids import BrandId
from greenroom.kit.wire import sent
from greenroom.sessions.schemas import NAME_CHARACTERS, Cursor, KindField, MonthField, Name
from greenroom.sessions.service import Sessions
from greenroom.web.binding import shows
from greenroom.web.participants.months import this_month
from greenroom.web.participants.shelves import Chosen, Looker, grid, shelf
from greenroom.web.participants.titles import headline
from greenroom.web.visit import Visit, anybody


class Wanted(Struct, frozen=True, kw_only=True):
    """What an address asks for. The cursor is one of what is to come: a month has no pages."""

    kind: KindField | UnsetType = UNSET
    category: Name | UnsetType = UNSET
    month: MonthField | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET


WANTED: Final = QueryReader(Wanted)


@shows("/")
async def home(visit: Visit) -> Answer:
    """The viewer's own brand; where pages are public, the way to any."""
    if visit.known is None and visit.there.is_public:
        return visit.page("home_public.html")
    return await _brand_page(visit, visit.caller, str(visit.caller.brand), at="/")


@shows("/b/{brand:path}")  # a brand's name may hold a slash, which the server decodes before a path is matched
async def brand_home(visit: Visit, brand: str) -> Answer:
    """A brand's. Raises NotFound for another than one's own, and for what can be no brand."""
    known = visit.known or (None if visit.there.is_public else visit.caller)
    if (known is not None and known.brand != brand) or not 1 <= len(brand) <= NAME_CHARACTERS or "\0" in brand:
        raise NotFound
    return await _brand_page(visit, known or anybody(BrandId(brand)), brand, at=f"/b/{quote(brand, safe='')}")


async def _brand_page(visit: Visit, viewer: Caller, brand: str, *, at: str) -> Answer:
    wanted = WANTED.read(without_empty(visit.request.query))
    chosen = Chosen(wanted.kind, wanted.category)
    looker = Looker(visit.service("sessions", Sessions), viewer, visit.clock, datetime.now(UTC))
    on = (
        await shelf(looker, chosen, wanted.cursor)
        if isinstance(wanted.month, UnsetType)
        else await grid(looker, chosen, wanted.month)
    )
    return visit.page(
        "home.html" if isinstance(wanted.month, UnsetType) else "home_month.html",
        brand=brand,
        at=at,
        on=on,
        month=sent(wanted.month),
        chosen=chosen.query(),
        categories=sorted({*(one.category for one in on.sessions if one.category), *_said(wanted.category)}),
        this_month=this_month(visit.clock, at=looker.at),
        with_query=_with_query,
        headline=headline,
        zone=visit.clock.zone_all_year(looker.at),
    )


def without_empty(query: bytes) -> bytes:
    """What a form does not choose, a browser sends as an empty text."""
    return b"&".join(pair for pair in query.split(b"&") if pair.partition(b"=")[2])


def _said(value: str | UnsetType) -> set[str]:
    return set() if isinstance(value, UnsetType) else {value}


def _with_query(at: str, chosen: dict[str, str], **more: str) -> str:
    """The page's address with these parameters."""
    query = urlencode({**chosen, **more})
    return f"{at}?{query}" if query else at


ROUTES = [home, brand_home]

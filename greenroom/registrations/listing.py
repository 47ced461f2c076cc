"""Lists of registrations: a page, or all of them in bounded pages, each with a transaction of its own."""

import struct
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from msgspec import Struct, UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.errors import Forbidden, NotFound, ValidationFailed
from greenroom.kit.http.spreadsheet import csv_head, csv_lines
from greenroom.kit.ids import BrandId, SessionId
from greenroom.kit.wire import EmailAddress, PageLimit, sent
from greenroom.registrations import queries
from greenroom.registrations.kept import KeptRegistration, as_admins_see, as_hosts_see, as_own
from greenroom.registrations.queries import Mine, Page
from greenroom.registrations.schemas import (
    AdminRegistrationFilters,
    AdminRegistrationList,
    HostRegistration,
    MyRegistration,
    MyRegistrationFilters,
    MyRegistrations,
    RegistrationCounts,
    RegistrationFilters,
    RegistrationList,
    RegistrationStatus,
)
from greenroom.registrations.service import Registrations
from greenroom.sessions.kept import as_session
from greenroom.sessions.service import brand_of, known_id_in

ROWS_AT_ONCE = 1000  # of a list that is given whole
MOST_SOUGHT = EmailAddress.CHARACTERS
LOOKED_THROUGH = 20_000  # registrations, by one search: no index knows what is within a text
MINE = struct.Struct(">?q16s")
BEFORE_ALL = (False, -(2**63), UUID(int=0))
PLACE = struct.Struct(">q")


class Asked(Struct, frozen=True, kw_only=True):
    """Whose registrations are listed, who asks, and of which status; None lets all pass."""

    brand: BrandId
    session: SessionId
    by: Caller
    status: RegistrationStatus | None
    text: str | None = None

    @property
    def name(self) -> str:
        """What a cursor is bound to."""
        sought = [] if self.text is None else [self.text]
        return msgspec.json.encode(["registrations", self.brand, self.session, self.status, *sought]).decode()


class Sought(Struct, frozen=True, kw_only=True):
    """Whom a host looks for: whose user id or guest address has the text in it, in whatever case; with None everybody."""

    text: str | None = None
    status: RegistrationStatus | None = None
    cursor: str | None = None
    limit: int = PageLimit.USUAL


class Person(Struct, frozen=True):
    """A registration as hosts see it, with the place in line of who waits."""

    registration: HostRegistration
    waitlist_position: int | None


class People(Struct, frozen=True, kw_only=True):
    """A page of those who were looked for, how many there are of each status, and where the search goes on."""

    people: list[Person]
    counts: RegistrationCounts
    next_cursor: str | None


class Whole(Struct, frozen=True):
    """A list that is given whole: its first rows, which show that it may be, and how to go on."""

    there: Registrations
    asked: Asked
    first: Page

    async def pages(self) -> AsyncIterator[list[KeptRegistration]]:
        """All rows, some at a time. Whoever comes meanwhile comes last; nobody is left out or listed twice."""
        rows = self.first.rows
        while rows:
            yield rows
            rows = (
                [] if len(rows) < ROWS_AT_ONCE else (await _page(self.there, self.asked, rows[-1].position, ROWS_AT_ONCE)).rows
            )


async def mine(there: Registrations, caller: Caller, filters: MyRegistrationFilters) -> MyRegistrations:
    """A page of the caller's registrations with their sessions, those to come first. Raises ValidationFailed."""
    if caller.brand is None:
        raise ValidationFailed("X-Brand-Id: expected the brand whose registrations are meant.")
    name = msgspec.json.encode(["my registrations", caller.brand, caller.user]).decode()
    is_over, turn, after = BEFORE_ALL
    if not isinstance(filters.cursor, UnsetType):
        is_over, turn, octets = MINE.unpack(there.cursors.open(filters.cursor, of=name))
        after = UUID(bytes=octets)
    limit = sent(filters.limit) or PageLimit.USUAL
    found = await queries.of_person_anywhere(
        there.db, caller.brand, caller.user, is_over=is_over, turn=turn, after=after, rows=limit + 1
    )
    shown = found[:limit]
    return MyRegistrations(
        registrations=[_my_registration(one) for one in shown],
        next_cursor=None if len(found) <= limit else there.cursors.seal(_place_of(shown[-1]), of=name),
    )


async def listed(there: Registrations, caller: Caller, session_id: str, filters: RegistrationFilters) -> RegistrationList:
    """A page of a session's registrations for its hosts. Raises ValidationFailed, NotFound, Forbidden."""
    asked = await _asked(there, caller, session_id, filters)
    page, next_cursor = await _cut(there, asked, filters)
    return RegistrationList(
        registrations=[as_hosts_see(kept) for kept in page.rows],
        counts=RegistrationCounts(**page.counts),
        next_cursor=next_cursor,
    )


async def people(there: Registrations, caller: Caller, session_id: str, sought: Sought) -> People:
    """A page of those whom a host looks for, in the order in which they came.

    One search looks through so many registrations: a page may have fewer than it has room for, even none, and others follow.
    Raises ValidationFailed, NotFound, Forbidden.
    """
    text = sought.text
    if text is not None and (not 1 <= len(text) <= MOST_SOUGHT or "\0" in text):
        raise ValidationFailed(f"q: expected a text of 1 to {MOST_SOUGHT} characters without NUL.")
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    asked = Asked(brand=brand, session=known_id, by=caller, status=sought.status, text=text)
    after = 0
    if sought.cursor is not None:
        (after,) = PLACE.unpack(there.cursors.open(sought.cursor, of=asked.name))
    until = after + LOOKED_THROUGH
    found = await queries.people(
        there.db, brand, known_id, caller, status=asked.status, text=text, after=after, until=until, rows=sought.limit + 1
    )
    if found is None:
        raise NotFound("There is no such session.")
    page = _for_hosts(caller, found.page)
    shown = page.rows[: sought.limit]
    end: int | None = None
    if len(page.rows) > sought.limit:
        end = shown[-1].position
    elif text is not None and until < found.last:
        end = until
    return People(
        people=[Person(as_hosts_see(kept), found.places.get(kept.id)) for kept in shown],
        counts=RegistrationCounts(**page.counts),
        next_cursor=None if end is None else there.cursors.seal(PLACE.pack(end), of=asked.name),
    )


async def admin_page(
    there: Registrations, caller: Caller, session_id: str, filters: AdminRegistrationFilters
) -> tuple[AdminRegistrationList, str | None]:
    """A page of a session's registrations for administrators, and the next one's cursor. Raises ValidationFailed, NotFound."""
    asked = await _asked(there, caller, session_id, filters)
    page, next_cursor = await _cut(there, asked, filters)
    total = sum(page.counts.values()) if asked.status is None else page.counts[asked.status]
    return AdminRegistrationList(registrations=[as_admins_see(kept) for kept in page.rows], total=total), next_cursor


async def whole(
    there: Registrations, caller: Caller, session_id: str, filters: RegistrationFilters | AdminRegistrationFilters
) -> Whole:
    """All of a session's registrations that the filter lets pass. Raises NotFound, Forbidden."""
    asked = await _asked(there, caller, session_id, filters)
    return Whole(there, asked, await _page(there, asked, 0, ROWS_AT_ONCE))


async def as_csv(it: Whole) -> AsyncIterator[bytes]:
    """The list as CSV (RFC 4180) with a header; what a spreadsheet would run as a formula begins with an apostrophe."""
    yield csv_head(HostRegistration)
    async for rows in it.pages():
        yield csv_lines(as_hosts_see(kept) for kept in rows)


async def as_json(it: Whole) -> AsyncIterator[bytes]:
    """The list as an AdminRegistrationList."""
    before, total = b'{"registrations":[', 0
    async for rows in it.pages():
        yield before + msgspec.json.encode([as_admins_see(kept) for kept in rows])[1:-1]
        before, total = b",", total + len(rows)
    yield (b"" if total else before) + b'],"total":%d}' % total


async def _asked(
    there: Registrations, caller: Caller, session_id: str, filters: RegistrationFilters | AdminRegistrationFilters
) -> Asked:
    known_id = known_id_in(session_id)
    return Asked(brand=await brand_of(there.db, caller, known_id), session=known_id, by=caller, status=sent(filters.status))


async def _cut(
    there: Registrations, asked: Asked, filters: RegistrationFilters | AdminRegistrationFilters
) -> tuple[Page, str | None]:
    """The page that the filters ask for, and the next one's cursor."""
    after = 0
    if not isinstance(filters.cursor, UnsetType):
        (after,) = PLACE.unpack(there.cursors.open(filters.cursor, of=asked.name))
    limit = sent(filters.limit) or PageLimit.USUAL
    page = await _page(there, asked, after, limit + 1)
    if len(page.rows) <= limit:
        return page, None
    cut = msgspec.structs.replace(page, rows=page.rows[:limit])
    return cut, there.cursors.seal(PLACE.pack(cut.rows[-1].position), of=asked.name)


async def _page(there: Registrations, asked: Asked, after: int, rows: int) -> Page:
    page = await queries.page(there.db, asked.brand, asked.session, asked.by, status=asked.status, after=after, rows=rows)
    if page is None:
        raise NotFound("There is no such session.")
    return _for_hosts(asked.by, page)


def _for_hosts(caller: Caller, page: Page) -> Page:
    """The page, for who may see it. Raises Forbidden."""
    if not (caller.manages or caller.user == page.host or caller.user in page.co_hosts):
        raise Forbidden("Only the session's host, a co-host or manage:live may do this.")
    return page


def _my_registration(it: Mine) -> MyRegistration:
    own = msgspec.structs.asdict(as_own(it.registration, it.waitlist_position))
    return MyRegistration(**own, session=as_session(it.session))


def _place_of(it: Mine) -> bytes:
    return MINE.pack(it.is_over, it.turn, it.registration.id.bytes)

"""Many people who register at once, and the pages of the lists that show them."""

import httpx

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import ClientId, RequestId, SessionId, UserId, new_id
from greenroom.registrations import queries
from greenroom.registrations.queries import Registering
from tests.registrations.people import Room
from tests.tenant import Json
from tests.wire import id_of

MOST_PAGES = 100  # of any list that a test walks through
AT_ONCE = 500


async def crowd(db: Database, there: Room, people: int) -> list[str]:
    """So many people in the order in which they are named, who register as requests do; answers their names."""
    names = [f"patient_{number}" for number in range(1, people + 1)]
    session = SessionId(id_of(there.session))
    for start in range(0, people, AT_ONCE):
        them = [_registering(there, name) for name in names[start : start + AT_ONCE]]
        outcomes = await queries.register(db, there.tenant.brand, session, them)
        assert {outcome.how for outcome in outcomes} == {"created"}
    return names


async def walked(http: httpx.AsyncClient, path: str, headers: dict[str, str], **parameters: str | int) -> list[Json]:
    """Every page, from cursor to cursor."""
    pages: list[Json] = []
    cursor: dict[str, str] = {}
    while not pages or cursor:
        response = await http.get(path, params={**parameters, **cursor}, headers=headers)
        assert response.status_code == 200, response.text
        pages.append(response.json())
        assert len(pages) < MOST_PAGES, "a list that does not end"
        cursor = {} if pages[-1]["next_cursor"] is None else {"cursor": pages[-1]["next_cursor"]}
    return pages


def users_of(*pages: Json) -> list[str]:
    """Who stands on the pages, in their order."""
    return [one["user_id"] for page in pages for one in page["registrations"]]


def _registering(there: Room, name: str) -> Registering:
    user = UserId(name)
    caller = Caller(user=user, client=ClientId("test"), brand=there.tenant.brand, scopes=frozenset())
    return Registering(
        id=new_id(),
        user=user,
        guest_email=None,
        role="participant",
        waits=True,
        needs=None,
        by=caller,
        request_id=RequestId("planted"),
        event_id=new_id(),
        key=None,
    )

"""Nothing of another brand is ever visible: what is another's answers as what is not there, to the byte."""

import re
from uuid import uuid4

import httpx
import pytest

from tests.permissions.asking import OF_SOMETHING, OPERATIONS, ask, outsiders, session_for
from tests.postgres import Owner
from tests.tenant import Tenant

PRECONDITIONS: list[dict[str, str]] = [
    {},
    {"If-Match": '"1.0.0.0"'}, {"If-Match": '"9.0.0.0"'}, {"If-Match": "*"}, {"If-Match": "no tag"},
    {"If-None-Match": '"1.0.1.0"'}, {"If-None-Match": "*"}, {"If-None-Match": "no tag"},
    {"Idempotency-Key": "a key"}, {"Idempotency-Key": "a key", "If-Match": '"1.0.0.0"'}, {"Idempotency-Key": "k" * 129},
    {"Accept": "text/csv"}, {"Content-Type": "text/plain"}, {"Content-Type": "application/merge-patch+json"},
]  # fmt: skip

MAKING = {"createSession", "createCall", "createCalendarFeed", "createWebhookEndpoint"}  # whose answers name what is new
NAMING = {"getContact"}  # a person, whom another brand does not know: tests/notifications/test_contacts.py


def seen_in(response: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that a caller gets, but for the request's own id and the clock."""
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in {"x-request-id", "date"}]
    return response.status_code, response.content, headers


@pytest.mark.parametrize("name", OF_SOMETHING)
async def test_anothers_session_answers_as_an_unknown_one(
    http: httpx.AsyncClient, owner: Owner, tenant: Tenant, name: str
) -> None:
    session = await session_for(http, owner, tenant, name)
    for asker in outsiders(tenant, name):
        for conditions in PRECONDITIONS:
            headers = {**asker.headers(tenant.brand), **conditions}
            theirs = [seen_in(await ask(http, name, tenant, session["id"], headers)) for _ in range(2)]
            nobodys = [seen_in(await ask(http, name, tenant, uuid4(), headers)) for _ in range(2)]
            assert theirs == nobodys, (asker, conditions)
            assert theirs[0][0] in {404, 400, 415}


@pytest.mark.parametrize("name", OF_SOMETHING)
async def test_without_more_it_is_a_404(http: httpx.AsyncClient, owner: Owner, tenant: Tenant, name: str) -> None:
    session = await session_for(http, owner, tenant, name)
    for asker in outsiders(tenant, name):
        response = await ask(http, name, tenant, session["id"], asker.headers(tenant.brand))
        assert (response.status_code, response.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - set(OF_SOMETHING) - MAKING - NAMING))
async def test_what_names_no_session_tells_nothing_of_another_brand(
    http: httpx.AsyncClient, owner: Owner, tenant: Tenant, name: str
) -> None:
    """The answer is the same with sessions elsewhere and without: no id, no count, no cursor."""
    for asker in outsiders(tenant, name):
        headers = asker.headers(tenant.brand)
        without = without_time(await ask(http, name, tenant, "", headers))
        session = await session_for(http, owner, tenant, name)
        with_one = await ask(http, name, tenant, "", headers)
        assert without_time(with_one) == without
        assert session["id"] not in f"{with_one.text}{with_one.headers}"
        assert f'"{tenant.brand}"' not in with_one.text


def without_time(response: httpx.Response) -> str:
    """The body without what a change stamps on it."""
    assert response.is_success, response.text
    return re.sub(r'"updated_at":"[^"]*"', "", response.text)

"""The link to a feed: who gets one, what it opens, until when, and that nobody else learns of it."""

import asyncio
import signal
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.calendar.agenda import FEED, LINK, Agenda, ticket_of
from tests.calendar.reading import Reader
from tests.postgres import Owner, TestDatabase
from tests.registrations.people import answered
from tests.server import AUTHORITIES, SECRET_KEY, Server, running_server
from tests.tenant import Tenant
from tests.wire import assert_refused, exchange, request_of

KEPT = "select id, version, ticket_hash, revoked_at from calendar_feeds where brand_id = $1 and user_id = $2"
AUDITED = """
select entity_version, action, changed, actor_user_id, actor_client_id, request_id from audit_log
where brand_id = $1 and entity = 'calendar_feed' order by entity_id, entity_version
"""
EVERYTHING = """
select f::text from calendar_feeds f union all select a::text from audit_log a union all select k::text from idempotency_keys k
"""


def operators_token() -> str:
    """Of somebody who is of no brand."""
    grant = new_grant(
        user=UserId("operator"), brand=None, scope="admin:*", client=ClientId("test"), lifetime=timedelta(hours=1)
    )
    return Signer([SECRET_KEY]).sign(grant)


async def test_its_url_opens_the_feed_without_a_token(agenda: Agenda, server: Server) -> None:
    there = await agenda.room()
    await there.enter("anna")
    response = await agenda.post_link("anna")
    link = answered(response, 201)
    assert link["url"] == f"{server.url}{FEED}?ticket={link['ticket']}"
    assert ticket_of(link["url"]) == link["ticket"]
    assert response.headers["cache-control"] == "no-store"
    assert agenda.reader.answer(await agenda.http.get(link["url"])).event.title == there.session["title"]


async def test_a_new_one_takes_the_place_of_the_one_before(agenda: Agenda) -> None:
    first, second = await agenda.link(), await agenda.link()
    assert_refused(await agenda.open(first), "invalid_token")
    assert (await agenda.open(second)).status_code == 200


async def test_a_revoked_one_opens_nothing(agenda: Agenda) -> None:
    link = await agenda.link()
    response = await agenda.revoke()
    assert (response.status_code, response.content) == (204, b"")
    assert_refused(await agenda.open(link), "invalid_token")


async def test_revoking_twice_is_once(agenda: Agenda, owner: Owner) -> None:
    await agenda.link()
    assert [(await agenda.revoke()).status_code for _ in range(2)] == [204, 204]
    assert [row["action"] for row in await owner.fetch(AUDITED, agenda.tenant.brand)] == [
        "calendar_feed.created", "calendar_feed.revoked",
    ]  # fmt: skip


async def test_who_has_none_may_revoke_it(agenda: Agenda, owner: Owner) -> None:
    assert (await agenda.revoke()).status_code == 204
    assert await owner.fetch(AUDITED, agenda.tenant.brand) == []


async def test_after_revoking_a_new_one_opens_the_feed(agenda: Agenda) -> None:
    old = await agenda.link()
    await agenda.revoke()
    new = await agenda.link()
    assert (await agenda.open(new)).status_code == 200
    assert_refused(await agenda.open(old), "invalid_token")


async def test_revoking_ends_nobody_elses(agenda: Agenda) -> None:
    elsewhere = Agenda(agenda.http, Tenant(BrandId(f"{agenda.tenant.brand}-other")), agenda.reader)
    ben, there = await agenda.link("ben"), await elsewhere.link("anna")
    await agenda.link("anna")
    await agenda.revoke("anna")
    assert (await agenda.open(ben)).status_code == (await agenda.open(there)).status_code == 200


async def test_each_change_is_audited_once_and_told_to_nobody(agenda: Agenda, owner: Owner) -> None:
    await agenda.post_link(X_Request_Id="first")
    await agenda.post_link(X_Request_Id="second")
    await agenda.revoke()
    rows = [tuple(row) for row in await owner.fetch(AUDITED, agenda.tenant.brand)]
    assert [row[:5] for row in rows] == [
        (1, "calendar_feed.created", ["ticket"], "anna", "test"),
        (2, "calendar_feed.created", ["ticket"], "anna", "test"),
        (3, "calendar_feed.revoked", ["ticket"], "anna", "test"),
    ]
    assert [row[5] for row in rows][:2] == ["first", "second"]
    told = "select count(*) from all_events_any_brand_v1() where brand_id = $1"
    assert await owner.fetchval(told, agenda.tenant.brand) == 0


async def test_of_a_ticket_only_its_hash_is_kept(agenda: Agenda, owner: Owner) -> None:
    link = answered(await agenda.post_link(Idempotency_Key="k"), 201)
    kept = await owner.fetchrow(KEPT, agenda.tenant.brand, "anna")
    assert kept is not None
    assert kept["ticket_hash"] == sha256(link["ticket"].encode()).digest()
    assert not [row for row in await owner.fetch(EVERYTHING) if link["ticket"] in row[0]]


async def test_the_hash_is_no_ticket(agenda: Agenda) -> None:
    link = await agenda.link()
    assert_refused(await agenda.open({"ticket": sha256(link["ticket"].encode()).hexdigest()}), "invalid_token")


async def test_tickets_have_256_bits(agenda: Agenda) -> None:
    tickets = [(await agenda.link(user))["ticket"] for user in "abcdefgh"]
    assert {len(ticket) for ticket in tickets} == {43}
    assert len(set(tickets)) == len(tickets)
    assert max(Counter(ticket[:2] for ticket in tickets).values()) < len(tickets)


async def test_it_is_made_anew_each_time_whatever_the_key(agenda: Agenda) -> None:
    first, second = [answered(await agenda.post_link(Idempotency_Key="the same"), 201) for _ in range(2)]
    assert first["ticket"] != second["ticket"]
    assert_refused(await agenda.open(first), "invalid_token")


@pytest.mark.parametrize("key", ["", "k" * 129])
async def test_a_key_that_is_none_is_refused(agenda: Agenda, key: str) -> None:
    link = await agenda.link()
    assert_refused(await agenda.post_link(Idempotency_Key=key), "validation_error", names="Idempotency-Key")
    assert (await agenda.open(link)).status_code == 200


@pytest.mark.parametrize("scope", ["read:live", ""])
async def test_who_may_not_write_gets_and_revokes_none(agenda: Agenda, scope: str) -> None:
    link = await agenda.link()
    assert_refused(await agenda.post_link(scope=scope), "insufficient_scope")
    assert_refused(await agenda.revoke(scope=scope), "insufficient_scope")
    assert (await agenda.open(link)).status_code == 200


async def test_nobody_gets_one_without_a_token(agenda: Agenda) -> None:
    link = await agenda.link()
    assert_refused(await agenda.http.post(LINK), "unauthenticated")
    assert_refused(await agenda.http.post(LINK, params={"ticket": link["ticket"]}), "unauthenticated")
    assert_refused(await agenda.http.delete(LINK), "unauthenticated")


async def test_who_crosses_brands_names_one(agenda: Agenda) -> None:
    operator = {"Authorization": f"Bearer {operators_token()}"}
    for method in ("POST", "DELETE"):
        assert_refused(await agenda.http.request(method, LINK, headers=operator), "validation_error", names="X-Brand-Id")
    named = {**operator, "X-Brand-Id": agenda.tenant.brand}
    there = await agenda.room(host_id="host_1")
    await there.enter("operator")
    link = answered(await agenda.http.post(LINK, headers=named), 201)
    assert await agenda.titles(link) == [there.session["title"]]


@pytest.mark.parametrize("query", [
    "?ticket=x", "?ticket=" + "x" * 43, "?ticket=" + "x" * 10_000, "?ticket=%00", "?ticket=%ff%fe", "?ticket=%ED%A0%80",
    "?ticket=" + quote("\U0001f600") * 43, "?ticket=" + "x" * 42 + "%0A", "?ticket[]=x&ticket=y", "?ticket=" + "-" * 44,
    "?" + "&".join(f"a{n}=x" for n in range(200)) + "&ticket=" + "x" * 43, "?ticket=1e999", "?ticket=" + "x" * 43 + "&ticket=",
])  # fmt: skip
async def test_what_is_none_is_refused(agenda: Agenda, query: str) -> None:
    response = await agenda.http.get(f"{FEED}{query}")
    assert_refused(response, "invalid_token")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("query", ["", "?", "?ticket", "?ticket=", "?tickets=x", "?TICKET=x", "?;ticket=x"])
async def test_where_there_is_none_one_is_asked_for(agenda: Agenda, query: str) -> None:
    assert_refused(await agenda.http.get(f"{FEED}{query}"), "unauthenticated")


async def test_a_good_one_sent_twice_is_refused(agenda: Agenda) -> None:
    link = await agenda.link()
    twice = [("ticket", link["ticket"])] * 2
    assert_refused(await agenda.http.get(FEED, params=twice), "invalid_token")


async def test_each_changed_letter_spoils_it(agenda: Agenda) -> None:
    ticket = (await agenda.link())["ticket"]
    for place in range(len(ticket)):
        spoiled = ticket[:place] + ("A" if ticket[place] != "A" else "B") + ticket[place + 1 :]
        assert_refused(await agenda.open({"ticket": spoiled}), "invalid_token")


async def test_a_token_does_not_take_its_place(agenda: Agenda) -> None:
    token = agenda.tenant.bearer("anna", scope="admin:live")
    assert_refused(await agenda.http.get(FEED, headers=token), "unauthenticated")


async def test_beside_a_token_it_is_the_ticket_that_counts(agenda: Agenda) -> None:
    there = await agenda.room()
    await there.enter("anna")
    link = await agenda.link("anna")
    response = await agenda.http.get(link["url"], headers=agenda.tenant.bearer("ben"))
    assert agenda.reader.answer(response).event.title == there.session["title"]


async def test_it_opens_nothing_else(agenda: Agenda) -> None:
    there, link = await agenda.room(), await agenda.link()
    for path in (there.path, f"{there.path}/stream", "/v1/me/registrations"):
        response = await agenda.http.get(path, params={"ticket": link["ticket"]})
        assert response.status_code == 401
        token = await agenda.http.get(path, headers={"Authorization": f"Bearer {link['ticket']}"})
        assert token.status_code == 401


async def test_anothers_and_nobodys_look_the_same(agenda: Agenda) -> None:
    """A ticket of another brand opens that brand's feed, and one that was revoked says no more than one that never was."""
    link = await agenda.link()
    await agenda.revoke()
    revoked, unknown = await agenda.open(link), await agenda.open({"ticket": "x" * 43})
    assert revoked.content == unknown.content
    same = [
        {name: value for name, value in one.headers.items() if name not in {"x-request-id", "date"}}
        for one in (revoked, unknown)
    ]
    assert same[0] == same[1]


async def test_of_two_at_once_exactly_one_opens_the_feed(agenda: Agenda, owner: Owner) -> None:
    for _ in range(5):
        links = await asyncio.gather(*(agenda.link() for _ in range(8)))
        statuses = Counter([(await agenda.open(link)).status_code for link in links])
        assert statuses == {200: 1, 401: 7}
    kept = await owner.fetchrow(KEPT, agenda.tenant.brand, "anna")
    assert kept is not None
    rows = await owner.fetch(AUDITED, agenda.tenant.brand)
    assert [row["entity_version"] for row in rows] == list(range(1, kept["version"] + 1)) == list(range(1, 41))


async def test_a_post_and_a_revocation_at_once_leave_one_state(agenda: Agenda, owner: Owner) -> None:
    for _ in range(10):
        link, _gone = await asyncio.gather(agenda.link(), agenda.revoke())
        kept = await owner.fetchrow(KEPT, agenda.tenant.brand, "anna")
        assert kept is not None
        assert (await agenda.open(link)).status_code == (401 if kept["ticket_hash"] is None else 200)


async def test_logs_and_metrics_do_not_hold_it(database: TestDatabase, tmp_path: Path, tenant: Tenant, reader: Reader) -> None:
    settings = {"GREENROOM_BACKGROUND": "off", "GREENROOM_LOG_LEVEL": "debug"}
    with running_server(database, tmp_path, settings=settings) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            agenda = Agenda(client, tenant, reader)
            there = await agenda.room("A title that nobody may log")
            await there.invite("guest-of-the-log@example.com")
            link = await agenda.link("host_1")
            await agenda.open(link)
            await agenda.revoke("host_1")
            await agenda.open(link)
            metrics = (await client.get("/metrics")).text
        running.stop()  # it writes its last lines
        log = running.log_text()
    assert f'"route":"{FEED}"' in log.replace(" ", "")
    assert FEED in metrics
    for secret in (link["ticket"], "nobody may log", "guest-of-the-log", sha256(link["ticket"].encode()).hexdigest()):
        assert secret not in log
        assert secret not in metrics


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_feed_is_only_read(agenda: Agenda, method: str) -> None:
    response = await agenda.http.request(method, FEED)
    assert_refused(response, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_octets_that_are_no_text_are_refused(server: Server) -> None:
    answer = await exchange(server, request_of("GET", FEED.encode() + b"?ticket=\xff\xfe", []))
    assert answer.status_code in {400, 401}


async def test_asking_is_limited_by_address(database: TestDatabase, tmp_path: Path, tenant: Tenant, reader: Reader) -> None:
    settings = {"GREENROOM_RATE_LIMIT_ADDRESS": "20", "GREENROOM_BACKGROUND": "off"}
    with running_server(database, tmp_path, settings=settings) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            agenda = Agenda(client, tenant, reader)
            guesses = [await agenda.open({"ticket": f"{guess:043}"}) for guess in range(25)]
    statuses = [answer.status_code for answer in guesses]
    assert statuses.count(401) <= 20
    assert_refused(guesses[-1], "rate_limited")


async def test_a_link_that_was_given_is_good_after_the_server_was_killed_and_its_keys_are_others(
    database: TestDatabase, tmp_path: Path, tenant: Tenant, reader: Reader
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    off = {"GREENROOM_BACKGROUND": "off"}
    with running_server(database, tmp_path / "first", settings=off) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            link = await Agenda(client, tenant, reader).link()
            running.stop(signal.SIGKILL)
    other_keys = {**off, "GREENROOM_SECRET_KEYS": "another key of at least 32 characters"}
    with running_server(database, tmp_path / "second", settings=other_keys) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            assert (await Agenda(client, tenant, reader).open(link)).status_code == 200

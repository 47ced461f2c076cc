"""The page of an endpoint: what was delivered to it, what failed, and sending it again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import httpx
import pytest

from greenroom.web.desk.webhooks import wait_in_words
from greenroom.web.texts import text
from greenroom.webhooks.schemas import DeliveryError, DeliveryState, DisabledReason, EndpointStatus
from tests.postgres import Owner
from tests.server import Server
from tests.tenant import Tenant
from tests.web.pages.hooks import DISABLED, MANAGE, alert_of, at, deliveries_of, planted, row_of
from tests.web.pages.visiting import Visitor, visiting
from tests.webhooks.asking import URL, Manager


@pytest.fixture
def api(http: httpx.AsyncClient, tenant: Tenant) -> Manager:
    return Manager(http, tenant)


@pytest.fixture
async def visitor(server: Server, tenant: Tenant) -> AsyncIterator[Visitor]:
    """Who manages the brand."""
    async with visiting(server.url, "manager_1", tenant.brand, scope=MANAGE, zone="Europe/Berlin") as somebody:
        yield somebody


async def test_a_test_event_is_sent_once_for_one_form(visitor: Visitor, api: Manager) -> None:
    made = await api.make()
    assert "Nothing was sent to it yet." in (await visitor.get(at(made))).text
    form = (await visitor.get(at(made))).form(at(made, "/test"))
    pages = [await visitor.post(at(made, "/test"), form) for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    assert "A test event is on its way." in pages[0].text
    deliveries = await deliveries_of(api, made)
    assert [one["type"] for one in deliveries] == ["greenroom.test.v1"]
    assert "greenroom.test.v1" in row_of(pages[1], deliveries[0]["id"])[0]


async def test_deliveries_say_what_came_of_them(visitor: Visitor, api: Manager, owner: Owner, tenant: Tenant) -> None:
    made = await api.make()
    delivered = await planted(owner, tenant, made, state="delivered", status=204)
    failed = await planted(owner, tenant, made, state="failed", status=500, error="status", position=2)
    pending = await planted(owner, tenant, made, state="pending", error="timeout", position=3, name="live.session.ended.v1")
    page = await visitor.get(at(made))
    assert [row["data-delivery"] for row in page.all("#deliveries tbody tr")] == [pending, failed, delivered]
    assert row_of(page, pending)[0] == "live.session.ended.v1"
    assert row_of(page, pending)[1].startswith("Waits Next attempt in 2 hours")
    assert "Times are those of Central European" in page.one("#deliveries caption").get_text()
    assert "Europe/Berlin" in str(page.all("#deliveries time")[0]["title"])
    assert row_of(page, pending)[4].startswith("It did not answer in time.")
    assert row_of(page, failed)[1:4] == ["Failed", "Redeliver", "3"]
    assert row_of(page, failed)[4].startswith("Status 500 Its status says no.")
    assert row_of(page, delivered)[1].startswith("Delivered ")
    assert row_of(page, delivered)[4].startswith("Status 204 ")
    assert row_of(page, delivered)[4].endswith(", 38 ms")
    assert all(cell.get("scope") for cell in page.all("th"))


async def test_deliveries_come_in_pages_and_by_state(visitor: Visitor, api: Manager, owner: Owner, tenant: Tenant) -> None:
    made = await api.make()
    for position in range(1, 22):
        await planted(owner, tenant, made, state="failed", error="tls", position=position)
    delivered = await planted(owner, tenant, made, state="delivered", status=204, position=99)
    first = await visitor.get(at(made, "?state=failed"))
    second = await visitor.get(str(first.one("#deliveries-title ~ nav a[rel=next]")["href"]))
    seen = [row["data-delivery"] for page in (first, second) for row in page.all("#deliveries tbody tr")]
    assert (len(seen), len(set(seen)), delivered in seen) == (21, 21, False)
    for page in (first, second):
        assert page.one(f'.filter a[href="{at(made, "?state=failed")}"]')["aria-current"] == "true"
    assert [row["data-delivery"] for row in (await visitor.get(at(made, "?state=delivered"))).all("tbody tr")] == [delivered]
    assert "There are none." in (await visitor.get(at(made, "?state=pending"))).text
    assert (await visitor.get(at(made, "?state=lost"))).status == 400


async def test_a_delivery_is_delivered_again_once_for_one_form(visitor: Visitor, api: Manager) -> None:
    made = await api.make()
    queued = (await api.ask("POST", f"/{made['id']}/test")).json()
    action = at(made, f"/deliveries/{queued['id']}/redeliver")
    form = (await visitor.get(at(made))).form(action)
    assert form["once"]
    pages = [await visitor.post(action, form) for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    assert "It is on its way again." in pages[0].text
    changed = await visitor.post(action, {**form, "more": "x"})
    assert changed.status == 409


async def test_redelivering_plans_it_anew(visitor: Visitor, api: Manager, owner: Owner, tenant: Tenant) -> None:
    made = await api.make()
    await api.ask("POST", f"/{made['id']}/test")
    (one,) = await deliveries_of(api, made)
    await owner.execute(
        "update webhook_deliveries set state = 'delivered', next_at = null, delivered_at = now(), pending_since = 'epoch'"
        " where brand_id = $1 and id = $2", tenant.brand, UUID(one["id"]),
    )  # fmt: skip
    await visitor.send(at(made), at(made, f"/deliveries/{one['id']}/redeliver"))
    assert await owner.fetchval(
        "select pending_since > now() - interval '1 minute' from webhook_deliveries where brand_id = $1 and id = $2",
        tenant.brand, UUID(one["id"]),
    )  # fmt: skip


async def test_what_is_forgotten_says_so_on_the_page(visitor: Visitor, api: Manager, owner: Owner, tenant: Tenant) -> None:
    made = await api.make()
    gone = await planted(owner, tenant, made, state="failed", error="event_forgotten", position=-1)
    page = await visitor.send(at(made), at(made, f"/deliveries/{gone}/redeliver"))
    assert page.status == 412
    assert "no longer kept" in alert_of(page)
    assert page.form(at(made, "/edit"))["url"] == URL


async def test_a_disabled_endpoint_offers_nothing_to_send(visitor: Visitor, api: Manager, owner: Owner, tenant: Tenant) -> None:
    made = await api.make()
    old = await planted(owner, tenant, made, state="failed", error="gone")
    shown = await visitor.get(at(made))
    await owner.execute(DISABLED, UUID(made["id"]), "gone")
    page = await visitor.get(at(made))
    assert "Disabled It answered 410" in page.one("#state").get_text(" ", strip=True)
    assert not page.has(f'form[action="{at(made, "/test")}"], form[action$="/redeliver"]')
    assert page.text.count("enable it first") == 2
    for verb in ("/test", f"/deliveries/{old}/redeliver"):
        late = await visitor.post(at(made, verb), shown.form(at(made, verb)))
        assert late.status == 412
        assert "enable it first" in alert_of(late)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "at any moment"), (0, "at any moment"), (5, "in 5 seconds"), (300, "in 5 minutes"), (36_000, "in 10 hours")],
)
def test_a_wait_is_told_in_words(seconds: int, words: str) -> None:
    now = datetime(2027, 3, 1, 17, tzinfo=UTC)
    assert wait_in_words((now + timedelta(seconds=seconds)).isoformat(), now=now) == words


def test_every_state_reason_and_error_has_its_words() -> None:
    kinds = {"delivery": DeliveryState, "disabled": DisabledReason, "status": EndpointStatus, "error": DeliveryError}
    for kind, states in kinds.items():
        for state in get_args(states):
            assert text(f"webhooks.{kind}.{state}")

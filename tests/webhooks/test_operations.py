"""The operations of endpoints: what they answer, what they leave behind, and what a repeat does."""

import base64
from uuid import UUID, uuid4

import httpx
import pytest

from greenroom.events.catalogue import EVENTS
from greenroom.webhooks import service
from tests.postgres import Owner
from tests.tenant import Tenant
from tests.webhooks.asking import URL, Manager
from tests.wire import assert_refused


@pytest.fixture
def manager(http: httpx.AsyncClient, tenant: Tenant) -> Manager:
    return Manager(http, tenant)


async def audit_of(owner: Owner, endpoint: dict[str, str]) -> list[tuple[str, list[str], int]]:
    rows = await owner.fetch(
        "select action, changed, entity_version, actor_user_id, entity from audit_log where entity_id = $1"
        " order by entity_version",
        UUID(endpoint["id"]),
    )
    assert {(row["actor_user_id"], row["entity"]) for row in rows} == {("manager_1", "webhook_endpoint")}
    return [(row["action"], row["changed"], row["entity_version"]) for row in rows]


async def test_a_new_endpoint_shows_its_secret_and_nothing_later_does(manager: Manager, owner: Owner) -> None:
    made = await manager.make(description="What the app shows", events=["live.session.", "live.recording.ready.v1"])
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert await manager.read(made) == made
    listed = (await manager.ask("GET")).json()
    assert listed == {"webhook_endpoints": [made], "next_cursor": None}
    assert made == {
        "id": made["id"], "url": URL, "description": "What the app shows",
        "events": ["live.session.", "live.recording.ready.v1"], "status": "enabled", "disabled_reason": None,
        "failing_since": None, "previous_secret_until": None, "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }  # fmt: skip
    assert await audit_of(owner, made) == [("webhook_endpoint.created", [], 1)]


@pytest.mark.parametrize("event", [event.name for event in EVENTS])
async def test_any_event_may_be_subscribed_to_by_name_or_prefix(manager: Manager, event: str) -> None:
    prefixes = [event[: end + 1] for end, character in enumerate(event) if character == "."]
    made = await manager.make(events=[event, *prefixes])
    assert made["events"] == [event, *prefixes]


async def test_the_secret_is_nowhere_in_the_database(manager: Manager, owner: Owner) -> None:
    made = (await manager.ask("POST", body={"url": URL}, Idempotency_Key="k")).json()
    plain = made["secret"].removeprefix("whsec_")
    rotated = (await manager.ask("POST", f"/{made['id']}/rotate-secret", Idempotency_Key="k")).json()["secret"]
    everything = await owner.fetchval(
        "select (select string_agg(w::text, '') from webhook_endpoints w)"
        " || (select string_agg(k::text, '') from idempotency_keys k)"
        " || (select string_agg(a::text, '') from audit_log a)"
    )
    assert made["id"] in everything
    assert plain not in everything
    assert rotated.removeprefix("whsec_") not in everything


async def test_an_answer_with_a_secret_is_not_kept_by_anybody(manager: Manager) -> None:
    response = await manager.ask("POST", body={"url": URL})
    assert response.headers["cache-control"] == "no-store"


async def test_without_more_it_subscribes_to_everything(manager: Manager) -> None:
    assert (await manager.make())["events"] == ["*"]


async def test_a_repeat_by_the_same_key_makes_no_second_one_and_shows_the_secret_again(manager: Manager) -> None:
    first = await manager.ask("POST", body={"url": URL}, Idempotency_Key="k")
    again = await manager.ask("POST", body={"url": URL}, Idempotency_Key="k")
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.json()) == (201, first.json())
    assert len((await manager.ask("GET")).json()["webhook_endpoints"]) == 1
    other = await manager.ask("POST", body={"url": URL, "events": ["live."]}, Idempotency_Key="k")
    assert_refused(other, "idempotency_key_payload_mismatch")


async def test_a_repeat_after_it_was_deleted_is_a_404(manager: Manager) -> None:
    made = (await manager.ask("POST", body={"url": URL}, Idempotency_Key="k")).json()
    assert (await manager.ask("DELETE", f"/{made['id']}")).status_code == 204
    assert_refused(await manager.ask("POST", body={"url": URL}, Idempotency_Key="k"), "not_found")


async def test_a_change_changes_what_is_sent_and_is_audited(manager: Manager, owner: Owner) -> None:
    made = await manager.make(description="before")
    del made["secret"]
    path = f"/{made['id']}"
    changed = (await manager.ask("PATCH", path, {"events": ["live.question."], "description": None})).json()
    assert changed == {**made, "events": ["live.question."], "description": None, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    moved = (await manager.ask("PATCH", path, {"url": "https://127.0.0.1:2/other"})).json()
    assert moved["url"] == "https://127.0.0.1:2/other"
    off = (await manager.ask("PATCH", path, {"status": "disabled"})).json()
    assert (off["status"], off["disabled_reason"]) == ("disabled", "requested")
    on = (await manager.ask("PATCH", path, {"status": "enabled"})).json()
    assert (on["status"], on["disabled_reason"], on["failing_since"]) == ("enabled", None, None)
    assert await audit_of(owner, made) == [
        ("webhook_endpoint.created", [], 1),
        ("webhook_endpoint.updated", ["description", "events"], 2),
        ("webhook_endpoint.updated", ["url"], 3),
        ("webhook_endpoint.disabled", ["status"], 4),
        ("webhook_endpoint.enabled", ["status"], 5),
    ]


@pytest.mark.parametrize(
    "body", [{}, {"url": URL}, {"status": "enabled"}, {"events": ["*"], "description": None}, {"unknown": 1}]
)
async def test_what_changes_nothing_leaves_no_trace(manager: Manager, owner: Owner, body: dict[str, object]) -> None:
    made = await manager.make()
    del made["secret"]
    response = await manager.ask("PATCH", f"/{made['id']}", body)
    assert (response.status_code, response.json()) == (200, made)
    assert await audit_of(owner, made) == [("webhook_endpoint.created", [], 1)]


async def test_deleted_it_is_not_there(manager: Manager, owner: Owner) -> None:
    made = await manager.make()
    assert (await manager.ask("DELETE", f"/{made['id']}")).status_code == 204
    for method, path, body in (
        ("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("GET", "/deliveries", None), ("POST", "/test", None),
        ("POST", "/rotate-secret", None), ("POST", f"/deliveries/{uuid4()}/redeliver", None),
    ):  # fmt: skip
        assert_refused(await manager.ask(method, f"/{made['id']}{path}", body), "not_found")
    assert (await manager.ask("GET")).json()["webhook_endpoints"] == []
    assert [action for action, *_ in await audit_of(owner, made)] == ["webhook_endpoint.created", "webhook_endpoint.deleted"]


async def test_a_brand_has_a_thousand_at_most(manager: Manager, owner: Owner, tenant: Tenant) -> None:
    assert service.MOST_ENDPOINTS == 1000
    await owner.execute(
        "insert into webhook_endpoints (brand_id, id, url, events, secret, since_position, created_at, updated_at)"
        " select $1, gen_random_uuid(), $2, '{*}', 'x', 0, now(), now() from generate_series(1, 999)",
        tenant.brand, URL,
    )  # fmt: skip
    made = await manager.make()
    assert_refused(await manager.ask("POST", body={"url": URL}), "at_capacity", names="1,000")
    await manager.ask("DELETE", f"/{made['id']}")
    assert (await manager.ask("POST", body={"url": URL})).status_code == 201


async def test_the_list_comes_in_pages(manager: Manager) -> None:
    made = [(await manager.make())["id"] for _ in range(5)]
    first = await manager.ask("GET", "?limit=3")
    page = first.json()
    rest = (await manager.ask("GET", f"?limit=3&cursor={page['next_cursor']}")).json()
    assert [one["id"] for one in (*page["webhook_endpoints"], *rest["webhook_endpoints"])] == made
    assert rest["next_cursor"] is None
    assert 'rel="next"' in first.headers["link"]


async def test_rotating_gives_a_new_secret_and_says_until_when_the_old_one_signs(manager: Manager, owner: Owner) -> None:
    made = await manager.make()
    rotated = (await manager.ask("POST", f"/{made['id']}/rotate-secret")).json()
    assert rotated["secret"] != made["secret"]
    hours = await owner.fetchval(
        "select extract(epoch from previous_secret_until - clock_timestamp()) / 3600 from webhook_endpoints where id = $1",
        UUID(made["id"]),
    )
    assert 23.9 < hours <= 24
    assert [action for action, *_ in await audit_of(owner, made)] == [
        "webhook_endpoint.created",
        "webhook_endpoint.secret_rotated",
    ]


async def test_a_repeated_rotation_by_the_same_key_rotates_once(manager: Manager) -> None:
    made = await manager.make()
    first = await manager.ask("POST", f"/{made['id']}/rotate-secret", Idempotency_Key="k")
    again = await manager.ask("POST", f"/{made['id']}/rotate-secret", Idempotency_Key="k")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_test_is_accepted_and_listed(manager: Manager) -> None:
    made = await manager.make()
    queued = await manager.ask("POST", f"/{made['id']}/test", Idempotency_Key="k")
    again = await manager.ask("POST", f"/{made['id']}/test", Idempotency_Key="k")
    assert (queued.status_code, again.json()) == (202, queued.json())
    assert again.headers["idempotency-replayed"] == "true"
    (one,) = (await manager.ask("GET", f"/{made['id']}/deliveries")).json()["deliveries"]
    assert (one["id"], one["type"], one["sequence"]) == (queued.json()["id"], "greenroom.test.v1", 0)


async def test_the_deliveries_come_in_pages_the_latest_first_and_by_state(
    manager: Manager, owner: Owner, tenant: Tenant
) -> None:
    made = await manager.make()
    await owner.execute(
        "insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, position, name, state, created_at)"
        " select $1, gen_random_uuid(), $2, gen_random_uuid(), n, 'live.session.updated.v1',"
        " case when n % 2 = 0 then 'failed' else 'delivered' end, now() from generate_series(1, 7) n order by n",
        tenant.brand, UUID(made["id"]),
    )  # fmt: skip
    path = f"/{made['id']}/deliveries?limit=4"
    first = (await manager.ask("GET", path)).json()
    rest = (await manager.ask("GET", f"{path}&cursor={first['next_cursor']}")).json()
    assert [one["sequence"] for one in (*first["deliveries"], *rest["deliveries"])] == [7, 6, 5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
    failed = (await manager.ask("GET", f"{path}&state=failed")).json()
    assert [one["sequence"] for one in failed["deliveries"]] == [6, 4, 2]
    wrong = await manager.ask("GET", f"{path}&state=failed&cursor={first['next_cursor']}")
    assert_refused(wrong, "validation_error", names="cursor")


@pytest.mark.parametrize("act", ["test", "redeliver"])
async def test_a_disabled_endpoint_is_sent_nothing(manager: Manager, act: str) -> None:
    made = await manager.make()
    queued = (await manager.ask("POST", f"/{made['id']}/test")).json()
    await manager.ask("PATCH", f"/{made['id']}", {"status": "disabled"})
    path = "test" if act == "test" else f"deliveries/{queued['id']}/redeliver"
    assert_refused(await manager.ask("POST", f"/{made['id']}/{path}"), "invalid_status", names="disabled")


async def test_what_is_forgotten_cannot_be_delivered_again(manager: Manager, owner: Owner, tenant: Tenant) -> None:
    made = await manager.make()
    delivery = uuid4()
    await owner.execute(
        "insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, position, name, state, created_at)"
        " values ($1, $2, $3, gen_random_uuid(), -1, 'live.session.updated.v1', 'failed', now())",
        tenant.brand, delivery, UUID(made["id"]),
    )  # fmt: skip
    refused = await manager.ask("POST", f"/{made['id']}/deliveries/{delivery}/redeliver")
    assert_refused(refused, "invalid_status", names="no longer kept")


async def test_a_delivery_of_another_endpoint_is_not_there(manager: Manager) -> None:
    made, other = await manager.make(), await manager.make()
    queued = (await manager.ask("POST", f"/{other['id']}/test")).json()
    for delivery in (queued["id"], str(uuid4()), "no-id"):
        assert_refused(await manager.ask("POST", f"/{made['id']}/deliveries/{delivery}/redeliver"), "not_found")

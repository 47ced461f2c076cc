"""What is no endpoint: each refusal names its field, and repeats nothing that was sent."""

import json
from typing import Any

import httpx
import pytest

from tests.tenant import Tenant
from tests.webhooks.asking import URL, Manager
from tests.wire import SENTINEL, assert_refused

BAD: list[tuple[str, Any]] = [
    ("url", None), ("url", 1), ("url", ""), ("url", ["x"]), ("url", "app.example.com"),
    ("url", f"http://{SENTINEL}.example.com/"),
    ("url", f"https://{SENTINEL}@example.com/"), ("url", "https://localhost/"), ("url", "https://169.254.169.254/"),
    ("url", "https://[::1]/"), ("url", f"https://app.example.com/#{SENTINEL}"),
    ("url", "https://app.example.com/" + "a" * 2048),
    ("url", "https://app.example.com/\n"), ("url", "https://app.example.com/\0"),
    ("description", 1), ("description", "x" * 501), ("description", f"{SENTINEL}\0"),
    ("events", None), ("events", "*"), ("events", []), ("events", [1]), ("events", [None]), ("events", [""]),
    ("events", ["*"] * 51),
    ("events", ["live.session"]), ("events", ["live.session.created"]), ("events", ["live.nothing."]),
    ("events", ["live.session.*"]),
    ("events", ["live.session.created.v2"]), ("events", ["**"]), ("events", ["."]), ("events", [f"live.{SENTINEL}"]),
    ("events", ["live.session.\n"]), ("events", ["live.session.created.v1\0"]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
async def test_a_refused_field_is_named(http: httpx.AsyncClient, tenant: Tenant, field: str, value: Any) -> None:
    manager = Manager(http, tenant)
    made = await manager.make()
    created = await manager.ask("POST", body={"url": URL, field: value})
    assert_refused(created, "validation_error", names=field)
    changed = await manager.ask("PATCH", f"/{made['id']}", {"events": ["live."], field: value})
    assert_refused(changed, "validation_error", names=field)
    del made["secret"]
    assert await manager.read(made) == made
    assert len((await manager.ask("GET")).json()["webhook_endpoints"]) == 1


@pytest.mark.parametrize("status", [None, 1, "", "ENABLED", "deleted", ["enabled"]])
async def test_a_status_is_one_of_two(http: httpx.AsyncClient, tenant: Tenant, status: Any) -> None:
    manager = Manager(http, tenant)
    made = await manager.make()
    assert_refused(await manager.ask("PATCH", f"/{made['id']}", {"status": status}), "validation_error", names="status")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"1e999", b'{"url": 1e999}', b'{"url": "\\ud800"}', b'{"url": "\xff"}',
        b'{"url": "https://a.example/", "description": "\\udc00"}', b"[" * 100_000 + b"]" * 100_000, b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
async def test_what_is_no_json_object_is_refused(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    manager = Manager(http, tenant)
    made = await manager.make()
    for method, path in (("POST", ""), ("PATCH", f"/{made['id']}")):
        response = await manager.send(method, path, body)
        assert_refused(response, "payload_too_large" if len(body) > 65_536 else "validation_error")


async def test_of_duplicate_keys_the_last_wins(http: httpx.AsyncClient, tenant: Tenant) -> None:
    manager = Manager(http, tenant)
    body = b'{"url": "https://127.0.0.1:1/a", "url": "https://127.0.0.1:1/b"}'
    assert (await manager.send("POST", "", body)).json()["url"].endswith("/b")


async def test_a_body_that_is_too_large_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    manager = Manager(http, tenant)
    too_large = json.dumps({"url": URL, "description": "x" * 70_000}).encode()
    assert_refused(await manager.send("POST", "", too_large), "payload_too_large")


@pytest.mark.parametrize("id", ["x", "0", "00000000-0000-0000-0000-00000000000g", "%00", "a" * 3000])
async def test_what_is_no_id_is_not_there(http: httpx.AsyncClient, tenant: Tenant, id: str) -> None:
    manager = Manager(http, tenant)
    for method, path, body in (("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("POST", "/test", None)):
        assert_refused(await manager.ask(method, f"/{id}{path}", body), "not_found")


async def test_the_same_subscription_twice_is_once(http: httpx.AsyncClient, tenant: Tenant) -> None:
    made = await Manager(http, tenant).make(events=["live.", "*", "live."])
    assert made["events"] == ["live.", "*"]

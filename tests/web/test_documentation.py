"""The document and its page: whole, and in need of nothing from the internet."""

import re
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from tests.tenant import Json


@pytest.fixture
async def document(http: httpx.AsyncClient) -> Json:
    response = await http.get("/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    found: Json = response.json()
    return found


@pytest.fixture
async def page(http: httpx.AsyncClient) -> str:
    response = await http.get("/docs")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return response.text


def operations(document: Json) -> dict[str, Any]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_the_document_is_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


async def test_the_document_holds_every_operation_of_this_issue(document: Json) -> None:
    assert {
        "POST /v1/sessions", "GET /v1/sessions/{id}", "PATCH /v1/sessions/{id}",
        "POST /v1/sessions/{id}/start", "POST /v1/sessions/{id}/end", "POST /v1/sessions/{id}/cancel",
        "GET /healthz", "GET /readyz", "GET /metrics",
    } <= set(operations(document))  # fmt: skip


async def test_every_operation_has_an_id_of_its_own(document: Json) -> None:
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(ids) == len(set(ids))


BY_TICKET = ("/v1/guest-links/", "/v1/me/calendar.ics", "/v1/unsubscribe")


def needs_token(name: str) -> bool:
    """Whether the operation is asked with one, rather than by a ticket in its path or query."""
    return "/v1/" in name and not any(path in name for path in BY_TICKET)


async def test_every_operation_says_its_scope(document: Json) -> None:
    for name, operation in operations(document).items():
        assert bool(operation["security"]) == needs_token(name), name


async def test_every_operation_has_an_example_and_its_errors(document: Json) -> None:
    for name, operation in operations(document).items():
        for status, answer in operation["responses"].items():
            for media_type, media in answer.get("content", {}).items():
                if media_type == "application/json":
                    assert "example" in media or media["examples"], (name, status)
        needed = {"500", "503", "429"} | ({"401", "403"} if needs_token(name) else set())
        assert needed <= set(operation["responses"]), name


async def test_every_event_is_in_the_document(document: Json) -> None:
    verbs = ("created", "updated", "rescheduled", "started", "ended", "cancelled")
    assert {f"live.session.{verb}.v1" for verb in verbs} <= set(document["webhooks"])


async def test_every_operation_and_event_is_on_the_page(page: str, document: Json) -> None:
    for operation in operations(document).values():
        assert f'id="{operation["operationId"]}"' in page
        assert f'href="#{operation["operationId"]}"' in page
    for event in document["webhooks"]:
        assert event in page


async def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    page = re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)  # text: an address in an example is fetched by nobody
    assert not re.search(r"(?:https?:)?//[a-z0-9]", page, re.IGNORECASE)
    assert "<script" not in page
    assert not re.search(r"\son\w+=", page)


async def test_what_the_page_links_is_there(http: httpx.AsyncClient, page: str) -> None:
    links = {link for link in re.findall(r'(?:href|src)="([^"]+)"', page) if not link.startswith("#")}
    assert "/openapi.json" in links
    for link in links:
        assert (await http.get(link)).status_code == 200, link
    for anchor in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{anchor}"' in page


async def test_the_style_needs_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    style = await http.get("/docs/style.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "//" not in re.sub(r"/\*.*?\*/", "", style.text, flags=re.DOTALL)
    assert "@import" not in style.text


async def test_the_page_has_a_policy_that_lets_nothing_in(http: httpx.AsyncClient) -> None:
    headers = (await http.get("/docs")).headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["content-security-policy"].split(";")}
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert not any("unsafe" in source or "*" in source for sources in policy.values() for source in sources)
    assert headers["x-content-type-options"] == "nosniff"

"""The wire itself: requests that an HTTP client would tidy up, sent as they are; and what every refusal must look like."""

import asyncio
import json
from collections.abc import Iterable
from uuid import UUID

import httpx

from tests.server import Server
from tests.tenant import Json, Tenant

ANSWER_SECONDS = 20.0
SENTINEL = "sentinel-7f3a9c"  # stands for what a caller sent and nobody may see again

ERRORS = {
    "validation_error": 400,
    "unauthenticated": 401,
    "invalid_token": 401,
    "insufficient_scope": 403,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "idempotency_key_payload_mismatch": 409,
    "invalid_status": 412,
    "at_capacity": 412,
    "not_joinable": 412,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "provider_error": 502,
    "not_configured": 503,
    "unavailable": 503,
}


def assert_refused(response: httpx.Response, error: str, *, names: str = "", never: Iterable[str] = ()) -> None:
    """The error by DESIGN section 5: its status, the contract's form, the field's name, nothing of the caller's data."""
    assert response.status_code == ERRORS[error], response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    said = response.json()
    assert set(said) == {"error", "message"} | ({"retry_after_ms"} if error == "rate_limited" else set())
    assert said["error"] == error
    assert names in said["message"], said["message"]
    assert SENTINEL not in f"{response.text} {response.headers}"
    for sent in never:
        assert sent not in response.text


async def assert_unchanged(http: httpx.AsyncClient, tenant: Tenant, session: Json) -> None:
    """The session reads as it did when it was made."""
    read = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.json() == session
    assert read.headers["etag"] == '"1.0.0.0"'


async def exchange(server: Server, request: bytes) -> httpx.Response:
    """Send these octets on a connection of their own and read one answer, which the server must not keep us waiting for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip("\r\n").split("\r\n")
            headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            body = await reader.readexactly(length)
    finally:
        writer.close()
    return httpx.Response(int(first.split()[1]), headers=headers, content=body)


def request_of(method: str, target: bytes, headers: Iterable[tuple[str, bytes]], body: bytes | None = None) -> bytes:
    """A request as octets, with a Content-Length when it has a body."""
    named = [("Host", b"greenroom.test"), *headers]
    if body is not None:
        named.append(("Content-Length", b"%d" % len(body)))
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in named)
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), target, lines, body or b"")


def authorized(tenant: Tenant, *headers: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    """The host's token, and these headers."""
    return [("Authorization", f"Bearer {tenant.token()}".encode()), *headers]


def body_with(fields: Json, **raw: str) -> bytes:
    """The fields as JSON, where some are JSON text of our own: what no encoder would write."""
    written = {name: json.dumps(value) for name, value in fields.items()} | raw
    return ("{" + ",".join(f'"{name}":{value}' for name, value in written.items()) + "}").encode("utf-8", "surrogatepass")


def id_of(session: Json) -> UUID:
    """The session's id, as the database has it."""
    return UUID(session["id"])

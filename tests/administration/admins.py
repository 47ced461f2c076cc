"""An administrator of a brand, what there is to change, and the traces that a change leaves."""

import json
from typing import Any, Literal

import httpx
from msgspec import Struct

from tests.contract.schemas import OURS, faults_in, followed
from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.wire import id_of

ADMIN_SESSIONS = "/v1/admin/sessions"
MERGE_PATCH = "application/merge-patch+json"

Status = Literal["scheduled", "live", "ended", "cancelled"]
STEPS_TO: dict[Status, list[str]] = {"scheduled": [], "live": ["start"], "ended": ["start", "end"], "cancelled": ["cancel"]}

# Of each field another value than a new session has.
CHANGES: dict[str, Any] = {
    "title": "Another title",
    "description": "Bring your questions.",
    "community_slug": "back-pain",
    "scheduled_at": "2027-04-01T09:00:00.000Z",
    "max_participants": 7,
    "duration_minutes": 45,
    "co_host_ids": ["host_3", "host_2"],
    "cover_image_url": "https://images.example.com:8443/a%20b.jpg?w=640&h=480#top",
    "tags": ["recovery", "knee"],
    "kind": "office_hours",
    "category": "talk",
    "metadata": {"room": "blue"},
}
UNSHOWN = "community_slug"  # the contract's AdminSession does not have it; the list filters by it


class Audited(Struct, frozen=True):
    """An audit row."""

    version: int
    action: str
    changed: list[str]


class Told(Struct, frozen=True):
    """An event, whose payload is of its schema."""

    name: str
    payload: Json


def admin_of(tenant: Tenant) -> str:
    """An administrator of the brand, whose minute no other test uses up."""
    return f"admin of {tenant.brand}"


def admin(tenant: Tenant, *, scope: str = "admin:live", **headers: str) -> dict[str, str]:
    """The headers of that administrator."""
    return tenant.bearer(admin_of(tenant), scope=scope, **headers)


async def administer(
    http: httpx.AsyncClient, tenant: Tenant, session: Json, body: Json, *, user: str | None = None, **headers: str
) -> httpx.Response:
    """PATCH the session as an administrator."""
    named = tenant.bearer(user or admin_of(tenant), scope="admin:live", **headers)
    content = json.dumps(body, ensure_ascii=False)
    return await http.patch(
        f"{ADMIN_SESSIONS}/{session['id']}", content=content, headers={"Content-Type": "application/json", **named}
    )


async def administered(http: httpx.AsyncClient, tenant: Tenant, session: Json, body: Json, **headers: str) -> Json:
    """The session as the administrator sees it after a change that went well."""
    response = await administer(http, tenant, session, body, **headers)
    assert response.status_code == 200, response.text
    changed: Json = response.json()
    return changed


async def session_that_is(http: httpx.AsyncClient, tenant: Tenant, status: Status, **fields: Any) -> Json:
    """A session of this status."""
    session = await tenant.session(http, **fields)
    for verb in STEPS_TO[status]:
        response = await tenant.step(http, session, verb)
        assert response.status_code == 200, response.text
        session = response.json()
    return session


async def audit_of(owner: Owner, session: Json) -> list[Audited]:
    """The session's audit, by version."""
    rows = await owner.fetch(
        "select entity_version, action, changed from audit_log where brand_id = $1 and entity_id = $2 order by entity_version",
        session["brand_id"], id_of(session),
    )  # fmt: skip
    return [Audited(*row) for row in rows]


async def events_of(owner: Owner, session: Json) -> list[Told]:
    """The session's events in the order in which they were told."""
    rows = await owner.fetch(
        "select name, payload::text from all_events_any_brand_v1() where brand_id = $1 and session_id = $2 order by sequence",
        session["brand_id"], id_of(session),
    )  # fmt: skip
    return [told(*row) for row in rows]


def told(name: str, payload: str) -> Told:
    """The event, whose payload must be of the schema that the document lists under webhooks."""
    post = OURS["webhooks"][name]["post"]
    envelope = followed(OURS, post["requestBody"]["content"]["application/json"]["schema"])
    said = json.loads(payload)
    assert not faults_in(said, envelope["properties"]["payload"]), name
    return Told(name, said)


async def traces(owner: Owner, session: Json) -> tuple[int, int]:
    """How many audit rows and events the session has."""
    return len(await audit_of(owner, session)), len(await events_of(owner, session))

"""Settings over HTTP: what holds, who says so, and what is said."""

from typing import Any

import httpx

from tests.tenant import Json, Tenant

BRAND_SETTINGS = "/v1/brand/settings"

DEFAULTS: Json = {
    "doors_open_minutes": 15,
    "host_grace_minutes": 5,
    "not_started_minutes": 1440,
    "first_reminder_minutes": 1440,
    "last_reminder_minutes": 10,
    "empty_grace_minutes": 5,
    "overrun_minutes": 240,
    "moderation": True,
    "anonymous": True,
    "open_questions": 5,
    "video_provider": "none",
}
# Of each setting a value that a brand may say, and one that a session may.
BRANDS: Json = {
    "doors_open_minutes": 30, "host_grace_minutes": 10, "not_started_minutes": 60, "first_reminder_minutes": 120,
    "last_reminder_minutes": 5, "empty_grace_minutes": 1,
    "overrun_minutes": 10080, "moderation": False, "anonymous": False, "open_questions": 100,
    "video_provider": "livekit",
}  # fmt: skip
SESSIONS: Json = {
    "doors_open_minutes": 0, "host_grace_minutes": 0, "not_started_minutes": 0, "first_reminder_minutes": 0,
    "last_reminder_minutes": 0, "empty_grace_minutes": 0,
    "overrun_minutes": 0, "moderation": True, "anonymous": True, "open_questions": 0, "video_provider": "builtin",
}  # fmt: skip


def holding(*, brand: Json | None = None, session: Json | None = None) -> Json:
    """Every setting as it must be answered, when this is what the brand and the session say."""
    by_source: dict[str, Json] = {"session": session or {}, "brand": brand or {}, "default": DEFAULTS}
    return {
        name: next({"value": said[name], "source": source} for source, said in by_source.items() if said.get(name) is not None)
        for name in DEFAULTS
    }


def path_of(session: Json) -> str:
    """Where a session's settings are."""
    return f"/v1/sessions/{session['id']}/settings"


def admin(tenant: Tenant, **headers: str) -> dict[str, str]:
    """The headers of an administrator whose minute no other test uses up."""
    return tenant.bearer(f"admin of {tenant.brand}", scope="admin:live", **headers)


async def answered(response: httpx.Response) -> Json:
    """The body of an answer that is a success."""
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


async def brand_says(http: httpx.AsyncClient, tenant: Tenant, **said: Any) -> Json:
    """What holds for the brand once it has said so."""
    return await answered(await http.patch(BRAND_SETTINGS, json=said, headers=admin(tenant)))


async def session_says(http: httpx.AsyncClient, tenant: Tenant, session: Json, **said: Any) -> Json:
    """What holds for the session once its host has said so."""
    return await answered(await http.patch(path_of(session), json=said, headers=tenant.bearer()))


async def of_brand(http: httpx.AsyncClient, tenant: Tenant) -> Json:
    """What holds for the brand."""
    return await answered(await http.get(BRAND_SETTINGS, headers=tenant.bearer()))


async def of_session(http: httpx.AsyncClient, tenant: Tenant, session: Json) -> Json:
    """What holds for the session."""
    return await answered(await http.get(path_of(session), headers=tenant.bearer()))

"""What a change of settings leaves behind, what each status allows, and what may not be said."""

import json
from typing import Any

import httpx
import pytest
from msgspec import Struct

from tests.administration.admins import Audited, Told, audit_of, events_of, session_that_is, told, traces
from tests.postgres import Owner
from tests.session_settings.said import BRAND_SETTINGS, BRANDS, SESSIONS, admin, brand_says, holding, of_session, path_of
from tests.session_settings.said import session_says as says
from tests.sessions.faults import named, nested
from tests.tenant import Json, Tenant
from tests.wire import SENTINEL, assert_refused, body_with, id_of

MINUTES = [
    "-1", "10081", "0.5", "10080.5", "1e999", "-1e999", "1e5", "2147483648", "9223372036854775808", '"5"', '""',
    "true", "false", "[]", "[5]", "{}", '{"value":5}', f'"{SENTINEL}"', '"\\u0000"', '"\\ud800"', nested(5000),
]  # fmt: skip
NUMBERS = [*(fault for fault in MINUTES if fault not in {"10081", "10080.5"}), "101", "99.5", "100.5", "10080"]
SWITCHES = ["0", "1", '"true"', '"on"', '""', "[]", "[true]", "{}", '{"value":true}', f'"{SENTINEL}"', '"\\ud800"']
PROVIDERS = ['""', '"zoom"', '"Livekit"', '"none "', '"null"', "0", "true", "[]", '["none"]', "{}", f'"{SENTINEL}"',
             '"none\\u0000"', '"\\ud800"', '"' + "x" * 20_000 + '"']  # fmt: skip
FAULTS = [(name, fault) for name in BRANDS for fault in
          (PROVIDERS if name == "video_provider" else MINUTES if name.endswith("minutes")
           else NUMBERS if name == "open_questions" else SWITCHES)]  # fmt: skip

NOTHING_NEW: list[Json] = [
    {}, {"unknown": [1]}, {"settings": {"moderation": False}}, {"moderation": False}, {"moderation": False, "anonymous": None},
    {"doors_open_minutes": 3.0}, {"id": "x", "version": 9, "source": "brand"},
]  # fmt: skip


class OfBrand(Struct, frozen=True):
    """A brand's audit and events."""

    audit: list[Audited]
    events: list[Told]


async def of_brand(owner: Owner, tenant: Tenant) -> OfBrand:
    audit = await owner.fetch(
        "select entity_version, action, changed from audit_log where brand_id = $1 and entity = 'brand'"
        " order by entity_version", tenant.brand,
    )  # fmt: skip
    events = await owner.fetch(
        "select name, payload::text from all_events_any_brand_v1()"
        " where brand_id = $1 and session_id is null and session_version is null order by sequence", tenant.brand,
    )  # fmt: skip
    return OfBrand([Audited(*row) for row in audit], [told(*row) for row in events])


async def rows_of(owner: Owner, tenant: Tenant) -> int:
    found: int = await owner.fetchval("select count(*) from brand_settings where brand_id = $1", tenant.brand)
    return found


async def patch(http: httpx.AsyncClient, tenant: Tenant, session: Json, body: bytes) -> httpx.Response:
    return await http.patch(path_of(session), content=body, headers=tenant.bearer(Content_Type="application/json"))


@pytest.mark.parametrize("name", SESSIONS)
async def test_a_change_is_an_edit_of_the_session(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, name: str) -> None:
    session = await tenant.session(http)
    await says(http, tenant, session, **{name: SESSIONS[name]})
    assert (await audit_of(owner, session))[1:] == [Audited(2, "session.updated", [f"settings.{name}"])]
    said = {"session_id": session["id"], "version": 2, "changed": ["settings"]}
    assert (await events_of(owner, session))[1:] == [Told("live.session.updated.v1", said)]


async def test_many_settings_are_one_version(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await says(http, tenant, session, **SESSIONS)
    assert (await audit_of(owner, session))[1:] == [
        Audited(2, "session.updated", sorted(f"settings.{name}" for name in SESSIONS))
    ]
    assert len(await events_of(owner, session)) == 2


async def test_only_what_changed_is_named(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await says(http, tenant, session, moderation=False, anonymous=False)
    await says(http, tenant, session, moderation=None, anonymous=False, overrun_minutes=None)
    assert (await audit_of(owner, session))[-1] == Audited(3, "session.updated", ["settings.moderation"])


async def test_a_change_raises_the_sessions_version_and_time(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await says(http, tenant, session, moderation=False)
    read = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
    assert read.headers["etag"] == '"2.0.0.0"'
    assert read.json()["updated_at"] > session["updated_at"]
    stale = await tenant.patch(http, session, {"title": "Later"}, If_Match='"1.0.0.0"')
    assert_refused(stale, "precondition_failed")


@pytest.mark.parametrize("body", NOTHING_NEW)
async def test_what_says_nothing_new_leaves_no_trace(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: Json) -> None:
    session = await tenant.session(http)
    before = await says(http, tenant, session, moderation=False, doors_open_minutes=3)
    assert await says(http, tenant, session, **body) == before
    assert await traces(owner, session) == (2, 2)


async def test_a_word_taken_back_twice_is_taken_back_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    for said in (False, None, None):
        await says(http, tenant, session, moderation=said)
        await brand_says(http, tenant, moderation=said)
    assert await traces(owner, session) == (3, 3)
    assert len((await of_brand(owner, tenant)).audit) == 2


async def test_a_brands_change_leaves_its_sessions_alone(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await brand_says(http, tenant, **BRANDS)
    assert await traces(owner, session) == (1, 1)


async def test_a_brands_change_is_one_version_one_audit_row_and_one_event(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    await brand_says(http, tenant, moderation=False, anonymous=False)
    await brand_says(http, tenant, moderation=None, anonymous=False)
    changes = [["settings.anonymous", "settings.moderation"], ["settings.moderation"]]
    assert await of_brand(owner, tenant) == OfBrand(
        [Audited(version, "brand.updated", changed) for version, changed in enumerate(changes, start=1)],
        [Told("live.brand.updated.v1", {"version": n, "changed": changed}) for n, changed in enumerate(changes, start=1)],
    )


async def test_the_audit_says_who_changed_the_brand(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await http.patch(BRAND_SETTINGS, json=BRANDS, headers=admin(tenant, X_Request_Id="request-9"))
    [row] = await owner.fetch("select * from audit_log where brand_id = $1", tenant.brand)
    assert (row["entity"], row["actor_user_id"], row["actor_client_id"], row["request_id"]) == (
        "brand", f"admin of {tenant.brand}", "test", "request-9",
    )  # fmt: skip
    assert "livekit" not in str(dict(row))


async def test_audit_and_event_of_a_brand_are_of_one_moment_in_whole_milliseconds(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    for minutes in range(3):
        await brand_says(http, tenant, overrun_minutes=minutes)
    times = await owner.fetch(
        "select a.occurred_at as audited, e.occurred_at as told from audit_log a join all_events_any_brand_v1() e"
        " on e.brand_id = a.brand_id and (e.payload ->> 'version')::integer = a.entity_version"
        " where a.brand_id = $1 order by a.entity_version",
        tenant.brand,
    )
    assert len(times) == 3
    assert [row["audited"] for row in times] == sorted({row["told"] for row in times})
    assert {row["told"].microsecond % 1000 for row in times} == {0}


@pytest.mark.parametrize("body", [{}, {"unknown": 1}, {"moderation": None}, dict.fromkeys(BRANDS)])
async def test_a_brand_has_no_row_before_its_first_change(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: Json
) -> None:
    assert await brand_says(http, tenant, **body) == holding()
    assert (await rows_of(owner, tenant), await of_brand(owner, tenant)) == (0, OfBrand([], []))


async def test_a_brand_has_one_row_from_its_first_change_on(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    for said in (False, True, None):
        await brand_says(http, tenant, moderation=said)
        assert await rows_of(owner, tenant) == 1


@pytest.mark.parametrize("body", NOTHING_NEW)
async def test_what_says_nothing_new_of_a_brand_leaves_no_trace(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: Json
) -> None:
    before = await brand_says(http, tenant, moderation=False, doors_open_minutes=3)
    assert await brand_says(http, tenant, **body) == before
    assert [len(rows) for rows in ((await of_brand(owner, tenant)).audit, (await of_brand(owner, tenant)).events)] == [1, 1]


async def test_a_live_session_keeps_its_video_provider(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await session_that_is(http, tenant, "live")
    for body in (b'{"video_provider":"livekit"}', b'{"video_provider":"livekit","moderation":false}'):
        assert_refused(await patch(http, tenant, session, body), "invalid_status")
    assert await of_session(http, tenant, session) == holding()
    assert await traces(owner, session) == (2, 2)


@pytest.mark.parametrize("sent", ["livekit", "absent", "null"])
async def test_a_live_session_may_be_sent_the_video_provider_it_has(http: httpx.AsyncClient, tenant: Tenant, sent: str) -> None:
    session = await tenant.session(http)
    own: dict[str, Any] = {"video_provider": "livekit"} if sent == "livekit" else {}
    await says(http, tenant, session, **own)
    await tenant.step(http, session, "start")
    body = {} if sent == "absent" else {"video_provider": own.get("video_provider")}
    assert await says(http, tenant, session, moderation=False, **body) == holding(session={**own, "moderation": False})


@pytest.mark.parametrize("name", [name for name in SESSIONS if name != "video_provider"])
async def test_a_live_session_takes_every_other_setting(http: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    session = await session_that_is(http, tenant, "live")
    said = {name: SESSIONS[name]}
    assert await says(http, tenant, session, **said) == holding(session=said)


@pytest.mark.parametrize("status", ["ended", "cancelled"])
@pytest.mark.parametrize("body", [b"{}", b'{"moderation":false}', b'{"moderation":null}'])
async def test_a_session_that_is_over_takes_nothing(http: httpx.AsyncClient, tenant: Tenant, status: Any, body: bytes) -> None:
    session = await session_that_is(http, tenant, status)
    assert_refused(await patch(http, tenant, session, body), "invalid_status")
    assert await of_session(http, tenant, session) == holding()


async def test_a_cancelled_session_keeps_its_settings_until_it_is_reinstated(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await says(http, tenant, session, moderation=False)
    await tenant.step(http, session, "cancel")
    assert await of_session(http, tenant, session) == holding(session={"moderation": False})
    await http.patch(f"/v1/admin/sessions/{session['id']}", json={"status": "scheduled"}, headers=admin(tenant))
    said = {"moderation": False, "anonymous": False}
    assert await says(http, tenant, session, anonymous=False) == holding(session=said)


@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=named)
async def test_a_bad_setting_is_refused_by_its_name(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, name: str, fault: str
) -> None:
    session = await tenant.session(http)
    body = body_with({"anonymous": False} if name != "anonymous" else {"moderation": False}, **{name: fault})
    of_both = (
        await patch(http, tenant, session, body),
        await http.patch(BRAND_SETTINGS, content=body, headers=admin(tenant, Content_Type="application/json")),
    )
    for response in of_both:
        named_in_it = "nested" if fault == nested(5000) else f"{name}: expected"
        assert_refused(response, "validation_error", names=named_in_it, never=[fault] if len(fault) > 8 else [])
    assert (await traces(owner, session), await rows_of(owner, tenant)) == ((1, 1), 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"5", b"{", b'{"moderation":fals}'])
async def test_what_is_no_json_object_is_refused(http: httpx.AsyncClient, tenant: Tenant, body: bytes) -> None:
    session = await tenant.session(http)
    brands = await http.patch(BRAND_SETTINGS, content=body, headers=admin(tenant, Content_Type="application/json"))
    for response in (await patch(http, tenant, session, body), brands):
        assert_refused(response, "validation_error", names="body")


async def test_minutes_go_from_none_to_a_week(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for minutes in (0, 10080, -0.0, 10080.0):
        holds = await says(http, tenant, session, doors_open_minutes=minutes)
        assert json.dumps(holds["doors_open_minutes"]["value"]) == str(int(minutes))


async def test_open_questions_go_from_none_to_a_hundred(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for number in (0, 100, -0.0, 100.0):
        holds = await says(http, tenant, session, open_questions=number)
        assert json.dumps(holds["open_questions"]["value"]) == str(int(number))


async def test_updated_at_of_a_brand_never_goes_back(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await brand_says(http, tenant, moderation=False)
    await owner.execute("update brand_settings set updated_at = '2091-01-01Z' where brand_id = $1", tenant.brand)
    await brand_says(http, tenant, moderation=True)
    after = await owner.fetchval("select updated_at from brand_settings where brand_id = $1", tenant.brand)
    assert after.isoformat() == "2091-01-01T00:00:00.001000+00:00"


async def test_the_audit_of_a_session_holds_no_value(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http)
    await says(http, tenant, session, video_provider="getstream")
    rows = await owner.fetch("select * from audit_log where entity_id = $1", id_of(session))
    assert "getstream" not in str([dict(row) for row in rows])

"""Who says what holds: the session before its brand, the brand before the program; null takes one's own word back."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.session_settings.schemas import Said
from greenroom.session_settings.service import defaults, effective
from tests.administration.admins import MERGE_PATCH
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.server import AUTHORITIES, Server, running_server
from tests.session_settings.said import (
    BRANDS,
    DEFAULTS,
    SESSIONS,
    admin,
    answered,
    brand_says,
    holding,
    of_brand,
    of_session,
    path_of,
    session_says,
)
from tests.sessions.lists import another_brand
from tests.tenant import Tenant

MINUTES = st.none() | st.integers(0, 10080)
NUMBER = st.none() | st.integers(0, 100)
SWITCH = st.none() | st.booleans()
PROVIDER = st.none() | st.sampled_from(["builtin", "getstream", "livekit", "none"])
SAID: st.SearchStrategy[Said] = st.builds(
    Said,
    **{name: MINUTES for name in DEFAULTS if name.endswith("minutes")},
    moderation=SWITCH,
    anonymous=SWITCH,
    open_questions=NUMBER,
    video_provider=PROVIDER,
)


async def test_without_a_word_the_program_says_all(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    assert await of_brand(http, tenant) == await of_session(http, tenant, session) == holding()


@pytest.mark.parametrize("name", DEFAULTS)
async def test_what_a_brand_says_holds_for_it_and_its_sessions(http: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    before = await tenant.session(http)
    said = {name: BRANDS[name]}
    assert await brand_says(http, tenant, **said) == holding(brand=said)
    after = await tenant.session(http)
    for session in (before, after):
        assert await of_session(http, tenant, session) == holding(brand=said)


@pytest.mark.parametrize("name", DEFAULTS)
async def test_what_a_session_says_holds_for_it_alone(http: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    session, sibling = await tenant.session(http), await tenant.session(http)
    said = {name: SESSIONS[name]}
    assert await session_says(http, tenant, session, **said) == holding(session=said)
    assert await of_session(http, tenant, session) == holding(session=said)
    assert await of_session(http, tenant, sibling) == await of_brand(http, tenant) == holding()


@pytest.mark.parametrize("name", DEFAULTS)
async def test_a_session_goes_before_its_brand(http: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    session = await tenant.session(http)
    await session_says(http, tenant, session, **{name: SESSIONS[name]})
    await brand_says(http, tenant, **{name: BRANDS[name]})
    holds = await of_session(http, tenant, session)
    assert holds == holding(brand={name: BRANDS[name]}, session={name: SESSIONS[name]})
    assert holds[name] == {"value": SESSIONS[name], "source": "session"}


async def test_each_setting_is_said_by_somebody_else(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    brand = {name: BRANDS[name] for name in list(DEFAULTS)[:5]}
    own = {name: SESSIONS[name] for name in list(DEFAULTS)[3:6]}
    await brand_says(http, tenant, **brand)
    assert await session_says(http, tenant, session, **own) == holding(brand=brand, session=own)


@pytest.mark.parametrize("name", DEFAULTS)
async def test_a_sessions_null_goes_back_to_the_brand(http: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    session = await tenant.session(http)
    await brand_says(http, tenant, **BRANDS)
    await session_says(http, tenant, session, **SESSIONS)
    left = {other: value for other, value in SESSIONS.items() if other != name}
    assert await session_says(http, tenant, session, **{name: None}) == holding(brand=BRANDS, session=left)


@pytest.mark.parametrize("name", DEFAULTS)
async def test_a_brands_null_goes_back_to_the_program(http: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    await brand_says(http, tenant, **BRANDS)
    left = {other: value for other, value in BRANDS.items() if other != name}
    assert await brand_says(http, tenant, **{name: None}) == holding(brand=left)


async def test_saying_what_holds_anyway_makes_it_ones_own(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await session_says(http, tenant, session, moderation=True)
    await brand_says(http, tenant, moderation=False)
    assert (await of_session(http, tenant, session))["moderation"] == {"value": True, "source": "session"}


async def test_a_setting_that_is_not_sent_stays(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await session_says(http, tenant, session, moderation=False, doors_open_minutes=1)
    said = {"moderation": False, "doors_open_minutes": 1, "overrun_minutes": 5}
    assert await session_says(http, tenant, session, overrun_minutes=5.0) == holding(session=said)


async def test_a_merge_patch_says_the_same_as_json(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for path, headers in ((path_of(session), tenant.bearer), ("/v1/brand/settings", lambda **more: admin(tenant, **more))):
        named = headers(Content_Type=MERGE_PATCH)
        await answered(await http.patch(path, content=b'{"moderation":false,"anonymous":false}', headers=named))
        holds = await answered(await http.patch(path, content=b'{"moderation":null}', headers=named))
        assert [holds[name]["source"] for name in ("moderation", "anonymous")] in (["default", "session"], ["default", "brand"])


async def test_two_brands_are_independent(http: httpx.AsyncClient, tenant: Tenant) -> None:
    other = another_brand()
    await brand_says(http, tenant, **BRANDS)
    await brand_says(http, other, moderation=False)
    assert await of_brand(http, tenant) == holding(brand=BRANDS)
    assert await of_brand(http, other) == holding(brand={"moderation": False})


async def test_another_brand_hears_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    other = another_brand()
    session = await other.session(http)
    await brand_says(http, tenant, **BRANDS)
    assert await of_brand(http, other) == await of_session(http, other, session) == holding()


async def test_every_answer_is_of_its_schema(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for path, method, answer in (
        ("/v1/brand/settings", "patch", await brand_says(http, tenant, **BRANDS)),
        ("/v1/brand/settings", "get", await of_brand(http, tenant)),
        ("/v1/sessions/{id}/settings", "patch", await session_says(http, tenant, session, **SESSIONS)),
        ("/v1/sessions/{id}/settings", "get", await of_session(http, tenant, session)),
    ):
        assert not faults_in(answer, answer_schema(OURS, operations(OURS)[path, method], "200"))


async def test_an_answer_is_a_callers_own_view(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    for path in ("/v1/brand/settings", path_of(session)):
        assert (await http.get(path, headers=tenant.bearer())).headers["cache-control"] == "private, no-cache"


async def test_settings_are_not_shown_with_the_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(http)
    await session_says(http, tenant, session, moderation=False)
    read = (await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())).json()
    assert {**read, "updated_at": session["updated_at"]} == session


async def test_the_programs_own_video_provider_is_its_setting(database: Any, tenant: Tenant, tmp_path: Any) -> None:
    with running_server(database, tmp_path, settings={"GREENROOM_VIDEO_PROVIDER": "builtin"}) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            assert (await of_brand(http, tenant))["video_provider"] == {"value": "builtin", "source": "default"}


async def test_a_setting_of_a_later_release_is_passed_over(
    server: Server, http: httpx.AsyncClient, tenant: Tenant, owner: Any
) -> None:
    """Old and new processes live side by side (docs/decisions/0015)."""
    assert server.url
    session = await tenant.session(http)
    await owner.execute('update sessions set settings = \'{"later": {"a": 1}}\' where brand_id = $1', tenant.brand)
    assert await session_says(http, tenant, session, moderation=False) == holding(session={"moderation": False})
    kept = await owner.fetchval("select settings ? 'later' from sessions where brand_id = $1", tenant.brand)
    assert kept is True


@given(session=SAID, brand=SAID)
def test_the_first_who_says_something_is_heard(session: Said, brand: Said) -> None:
    default = defaults("livekit")
    holds = effective(session=session, brand=brand, default=default)
    for name in Said.__struct_fields__:
        heard = [
            (source, getattr(said, name)) for source, said in (("session", session), ("brand", brand), ("default", default))
        ]
        source, value = next((source, value) for source, value in heard if value is not None)
        assert (getattr(holds, name).source, getattr(holds, name).value) == (source, value)

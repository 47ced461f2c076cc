"""What a filter may not say: a 400 that names the parameter and never repeats its value; by raw sockets."""

from urllib.parse import quote

import httpx
import pytest

from tests.server import Server
from tests.sessions.lists import SESSIONS
from tests.tenant import Tenant
from tests.wire import SENTINEL, assert_refused, authorized, exchange, request_of

FILTERS = (
    "brand_id", "host_user_id", "host_id", "community_id", "status", "upcoming_only", "upcoming", "month", "kind", "category",
    "cursor", "limit",
)  # fmt: skip
NAMES = ("host_user_id", "host_id", "community_id", "category", "brand_id")

# What no parameter may hold, as it stands in the query.
NOWHERE = ["", "%00", f"{SENTINEL}%00", f"%00{SENTINEL}", "%FF", f"{SENTINEL}%C3", "%ED%A0%80", "%C0%80", "%F4%90%80%80"]

# A complaint of the decoder repeats a value of ours: nothing in it may pass for the name of a parameter.
FORGED = [" - at `$.nothing", " - at `$.limit", "x' - at `$.limit`", "$", "`", "\n - at `$.limit`"]

BAD: dict[str, list[str]] = {
    **{name: ["x" * 201, "%F0%9F%98%80" * 201, SENTINEL * 4000] for name in NAMES},
    "status": ["Scheduled", "%20live", "live,ended", "null", "scheduled%0A", SENTINEL, "x" * 50_000],
    "kind": ["Live", "live%09", "webinar", "office-hours", "office%20hours", SENTINEL],
    **{name: ["True", "TRUE", "yes", "on", "2", "-1", "01", "1.0", "null", "true%20", "%D9%A1", SENTINEL]
       for name in ("upcoming", "upcoming_only")},
    "limit": ["0", "000", "-1", "-0", "+5", "%2B5", "%205", "5%20", "5%0A", "5.0", "5e0", "1e999", "1e2", "0x10", "1_0", "NaN",
              "Infinity", "null", "true", "5,5", "%D9%A5", "%EF%BC%95", "%C2%B2", "-" + "9" * 30, SENTINEL],
    "month": ["2031", "2031-5", "2031-00", "2031-13", "0000-01", "0000-12", "2031-05-01", "2031/05", "31-05", "10000-01",
              "+2031-05", "-2031-05", "2031-05%0A", "%202031-05", "2031-05Z", "%D9%A2031-05", "2031-%D9%A05", "May%202031",
              "203105", SENTINEL],
    "cursor": ["x", "x.y", ".", "..", "%2E" * 100, "null", "x" * 50_000, "x." * 20_000, "%C3%A9.%C3%A9", SENTINEL,
               f"{SENTINEL}.{SENTINEL}"],
}  # fmt: skip
HOSTILE = [(name, value) for name, values in BAD.items() for value in (*values, *map(quote, FORGED))
           if name not in NAMES or value in values]  # fmt: skip


async def asked(server: Server, tenant: Tenant, query: str) -> httpx.Response:
    target = f"{SESSIONS}?{query}".encode("latin-1")
    return await exchange(server, request_of("GET", target, authorized(tenant)))


@pytest.mark.parametrize(("name", "value"), HOSTILE, ids=lambda text: ascii(text)[:40])
async def test_a_value_that_a_filter_does_not_know_is_refused(server: Server, tenant: Tenant, name: str, value: str) -> None:
    response = await asked(server, tenant, f"{name}={value}")
    assert_refused(response, "validation_error", names=f"{name}: expected", never=[value] if len(value) > 12 else [])
    assert len(response.content) < 200


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("value", NOWHERE, ids=ascii)
async def test_a_filter_holds_text_of_at_least_a_character_and_no_nul(
    server: Server, tenant: Tenant, name: str, value: str
) -> None:
    assert_refused(await asked(server, tenant, f"{name}={value}"), "validation_error", names=f"{name}: expected")


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_without_a_value_is_refused(server: Server, tenant: Tenant, name: str) -> None:
    assert_refused(await asked(server, tenant, name), "validation_error", names=f"{name}: expected")


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("again", ["", SENTINEL])
async def test_a_filter_is_sent_once(server: Server, tenant: Tenant, name: str, again: str) -> None:
    good = {"status": "live", "kind": "live", "upcoming": "1", "upcoming_only": "1", "month": "2031-05", "limit": "5"}
    query = f"{name}={good.get(name, tenant.brand)}&{name}={again or good.get(name, tenant.brand)}"
    assert_refused(await asked(server, tenant, query), "validation_error", names=f"{name}: expected once")


@pytest.mark.parametrize(("query", "names"), [
    (f"host_id={SENTINEL}&host_user_id=ann", "host_user_id and host_id"),
    ("upcoming=true&upcoming_only=false", "upcoming_only and upcoming"),
    ("upcoming=0&upcoming_only=1", "upcoming_only and upcoming"),
])  # fmt: skip
async def test_two_names_of_a_filter_may_not_contradict(server: Server, tenant: Tenant, query: str, names: str) -> None:
    assert_refused(await asked(server, tenant, query), "validation_error", names=f"{names}: expected the same")


@pytest.mark.parametrize("bad", ["limit=0", "status=x", "cursor=x.y"])
async def test_a_bad_filter_is_refused_beside_good_ones(server: Server, tenant: Tenant, bad: str) -> None:
    response = await asked(server, tenant, f"host_id=ann&{bad}&upcoming=true")
    assert_refused(response, "validation_error", names=bad.partition("=")[0])


@pytest.mark.parametrize(
    "query", ["category=" + "x" * 70_000, "category=\xc3\xa9", "x=\xff"], ids=lambda text: ascii(text[:20])
)
async def test_a_query_that_is_no_http_is_refused_whole(server: Server, tenant: Tenant, query: str) -> None:
    """RFC 9110, section 4.2: no octets beyond ASCII; and more than 64 KiB is more than the server reads."""
    response = await asked(server, tenant, query)
    assert (response.status_code, response.json()["error"]) == (400, "validation_error")


async def test_100_parameters_may_be_sent_and_no_more(server: Server, tenant: Tenant) -> None:
    query = "&".join(f"x{number}=1" for number in range(100))
    assert (await asked(server, tenant, query)).status_code == 200
    for more in ("&y=1", "&limit=1", "&" * 5000):
        assert_refused(await asked(server, tenant, query + more), "validation_error", names="at most 100 parameters")


@pytest.mark.parametrize("query", ["category=100%", "category=%zz", "category=%", "category=%C3%A9"])
async def test_what_is_oddly_encoded_is_taken_as_browsers_take_it(server: Server, tenant: Tenant, query: str) -> None:
    """WHATWG URL, application/x-www-form-urlencoded: a percent sign before anything but two hex digits is itself."""
    assert (await asked(server, tenant, query)).status_code == 200


async def test_a_name_of_200_characters_is_looked_for(http: httpx.AsyncClient, tenant: Tenant) -> None:
    for name in ("host_id", "community_id", "category"):
        response = await http.get(SESSIONS, params={name: "\U0001f600" * 200}, headers=tenant.bearer())
        assert (response.status_code, response.json()["sessions"]) == (200, [])

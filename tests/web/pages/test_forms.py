"""What forms are taken, and from whom; where one is led to; what every page says to the browser."""

import httpx
import pytest

from greenroom.web.assets import DIRECTORY
from greenroom.web.paths import own_path
from tests.server import Server
from tests.tenant import Tenant
from tests.web.pages.visiting import Page, visiting

HTML = {"accept": "text/html"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors 'none'"
)


async def sent(server: Server, tenant: Tenant, headers: dict[str, str], content: bytes | None = None) -> Page:
    """The form that schedules a session, sent with these headers; or this instead of it."""
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = {**(await visitor.get("/host/new")).form("/host/new"), "title": "Sent"}
        told = {**HTML, **headers}
        if content is None:
            return Page(await visitor.http.post("/host/new", data=form, headers=told))
        return Page(await visitor.http.post("/host/new", content=content, headers=told))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_that_another_site_sends_is_refused(server: Server, tenant: Tenant, site: str) -> None:
    page = await sent(server, tenant, {"sec-fetch-site": site})
    assert page.status == 403
    assert "sent by a page of another site" in page.text


async def test_where_a_browser_does_not_say_so_the_origin_tells(server: Server, tenant: Tenant) -> None:
    host = server.url.removeprefix("http://")
    strangers = ("https://evil.example", "null", "http://[", "", f"http://{host}.evil.example")
    for origin, status in (*((one, 403) for one in strangers), (f"http://{host}", 303)):
        assert (await sent(server, tenant, {"origin": origin})).status == status, origin


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("text/plain", b"a=b", 415),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 70_000, 413),
        ("application/x-www-form-urlencoded", b"a=%FF", 400),
        ("application/x-www-form-urlencoded", b"\xff=1", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(101)), 400),
        ("application/x-www-form-urlencoded", b"", 403),
        ("application/x-www-form-urlencoded", b"csrf=garbage", 403),
        ("application/x-www-form-urlencoded", b"csrf=cGFnZQ%3D%3D.forged", 403),
    ],
)
async def test_what_is_no_form_of_ours_is_refused(
    server: Server, tenant: Tenant, kind: str, content: bytes, status: int
) -> None:
    page = await sent(server, tenant, {"sec-fetch-site": "same-origin", "content-type": kind}, content)
    assert page.status == status


async def test_the_proof_of_another_sign_in_of_the_same_person_is_refused(server: Server, tenant: Tenant) -> None:
    async with visiting(server.url, "host_1", tenant.brand) as first, visiting(server.url, "host_1", tenant.brand) as second:
        form = (await first.get("/host/new")).form("/host/new")
        assert (await second.post("/host/new", form)).status == 403


async def test_of_a_field_that_comes_twice_the_first_counts(server: Server, tenant: Tenant, http: httpx.AsyncClient) -> None:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = {**(await visitor.get("/host/new")).form("/host/new"), "title": ["First", "Second"]}
        await visitor.http.post("/host/new", data=form, headers={"sec-fetch-site": "same-origin"})
    (made,) = (await http.get("/v1/live/sessions", headers=tenant.bearer())).json()["sessions"]
    assert made["title"] == "First"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil", "/a\nb", "", "evil",
        "/" + "x" * 2000, "/ä",
    ],
)  # fmt: skip
def test_nobody_is_led_to_another_site(path: str) -> None:
    assert own_path(path) == "/"


@pytest.mark.parametrize("path", ["/", "/s/1?said=x#y", "/host?month=2027-03&whose=all"])
def test_one_is_led_to_pages_of_ours(path: str) -> None:
    assert own_path(path) == path


async def test_the_way_back_is_one_of_ours(server: Server, tenant: Tenant) -> None:
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        for asked, led in (("//evil.example", "/"), ("/host", "/host"), ("%2f%2fevil.example", "/")):
            page = await visitor.get(f"/signin?next={asked}")
            assert page.one("main a.button")["href"] == led


@pytest.mark.parametrize("path", ["/", "/host", "/host/new", "/signin", "/signin/link?code=x", "/s/unknown", "/nothing"])
async def test_every_page_says_the_same_to_the_browser(server: Server, tenant: Tenant, path: str) -> None:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        headers = (await visitor.get(path)).answer.headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "private, no-store"
    assert headers["content-type"] == "text/html; charset=utf-8"


async def test_what_is_static_is_kept_for_ever_under_its_version_alone(server: Server, tenant: Tenant) -> None:
    async with visiting(server.url, "ada", tenant.brand) as visitor:
        page = await visitor.get("/")
        style = str(page.all("link[rel=stylesheet]")[0]["href"])
        script = str(page.one("script[src]")["src"])
        for path, kind in ((style, "text/css; charset=utf-8"), (script, "text/javascript; charset=utf-8")):
            answer = await visitor.http.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        older = await visitor.http.get("/static/000000000000/base.css")
        assert (older.status_code, older.headers["cache-control"]) == (200, "public, no-cache")
        for path in ("/static/x/none.css", "/static/x/..%2fassets.py", "/static/x/../../app.py", "/static/base.css"):
            assert (await visitor.http.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, GZIP;q=0.2", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.000, br", None),
        ("br", None),
        ("", None),
    ],
)
async def test_what_is_static_comes_as_gzip_to_who_takes_it(server: Server, accepted: str, encoding: str | None) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers={"accept-encoding": accepted}) as program:
        answer = await program.get("/static/000000000000/base.css")
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers.get("content-encoding") == encoding
    assert answer.content == (DIRECTORY / "base.css").read_bytes()
    assert (int(answer.headers["content-length"]) < len(answer.content) / 2) is (encoding == "gzip")


async def test_programs_get_refusals_in_the_contracts_form(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as program:
        for path, headers in (("/nothing", {}), ("/v1/nothing", HTML), ("/v1/sessions/x", HTML)):
            answer = await program.get(path, headers=headers)
            assert answer.json().keys() == {"error", "message"}
        page = await program.get("/nothing", headers=HTML)
        assert page.status_code == 404
        assert "<h1>There is nothing here</h1>" in page.text
        assert (await program.post("/host", headers=HTML)).status_code == 405


async def test_a_page_comes_back_when_one_has_signed_in(server: Server) -> None:
    async with visiting(server.url) as visitor:
        page = await visitor.get("/host?month=2027-03", follow=False)
    assert page.answer.headers["location"] == "/signin?next=%2Fhost%3Fmonth%3D2027-03"


async def test_a_form_of_who_was_signed_out_says_so(server: Server) -> None:
    async with visiting(server.url) as visitor:
        page = await visitor.post("/host/new", {"title": "x"})
        told = await visitor.ask("/host/new", {"title": "x"})
    assert page.status == 401
    assert "You are signed out" in page.text
    assert told.json()["error"] == "unauthenticated"

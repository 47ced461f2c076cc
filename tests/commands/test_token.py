"""greenroom token: it prints a token and nothing else, or one line that says why not."""

import asyncio
import re
import time

import httpx
import jwt
import pytest

from tests.commands.command import Environment, Said, greenroom
from tests.tenant import Tenant

LIFETIMES = {"15m": 15 * 60, "12h": 12 * 3600, "30d": 30 * 86400}
SEEN_SECONDS = 6.0


def mint(env: Environment, *arguments: str, brand: str = "acme", user: str = "host_1") -> Said:
    return greenroom("token", "--user", user, "--brand", brand, *arguments, env=env)


async def status_with(http: httpx.AsyncClient, token: str) -> int:
    response = await http.get("/v1/sessions/01900000-0000-7000-8000-000000000000", headers={"Authorization": f"Bearer {token}"})
    return response.status_code


async def refused_within(http: httpx.AsyncClient, token: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await status_with(http, token) == 401:
            return True
        await asyncio.sleep(0.1)
    return False


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token.strip(), options={"verify_signature": False})
    return claims


def test_a_token_is_printed_and_nothing_else(env: Environment) -> None:
    said = mint(env)
    assert (said.status, said.err) == (0, "")
    [line] = said.out.splitlines()
    assert [bool(part) for part in line.split(".")] == [True] * 3


async def test_a_printed_token_is_one_that_a_server_takes(env: Environment, http: httpx.AsyncClient, tenant: Tenant) -> None:
    token = mint(env, brand=tenant.brand).out.strip()
    created = await http.post("/v1/sessions", json=tenant.wanted(), headers={"Authorization": f"Bearer {token}"})
    assert created.status_code == 201


def test_a_token_says_what_was_asked_for(env: Environment) -> None:
    claims = claims_of(mint(env, "--scope", "read:live  manage:live", "--client", "backend").out)
    assert [claims[name] for name in ("sub", "brand", "client_id", "scope")] == [
        "host_1", "acme", "backend", "read:live manage:live",
    ]  # fmt: skip


def test_a_token_says_where_its_user_is_reached(env: Environment) -> None:
    claims = claims_of(mint(env, "--email", "ann@example.com", "--time-zone", "Europe/Berlin").out)
    assert (claims["email"], claims["zoneinfo"]) == ("ann@example.com", "Europe/Berlin")
    assert {"email", "zoneinfo"} & claims_of(mint(env).out).keys() == set()


@pytest.mark.parametrize("expires", LIFETIMES)
def test_a_token_lives_as_long_as_it_was_told_to(env: Environment, expires: str) -> None:
    claims = claims_of(mint(env, "--expires", expires).out)
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == LIFETIMES[expires]


def test_the_operators_token_goes_without_a_brand(env: Environment) -> None:
    said = greenroom("token", "--user", "operator", "--scope", "admin:*", env=env)
    assert "brand" not in claims_of(said.out)


@pytest.mark.parametrize("expires", ["", "0m", "-5m", "15", "1w", "1.5h", "m", "4000d", "99999999999d", "15 m", "\u0661m"])
def test_a_lifetime_that_cannot_be_used_is_told_in_one_line(env: Environment, expires: str) -> None:
    assert "--expires" in mint(env, f"--expires={expires}").only_line()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--user", "host_1", "--brand", "acme", "--scope", "read:live dance:live"), "--scope"),
        (("--user", "host_1", "--brand", "acme", "--scope", " "), "--scope"),
        (("--brand", "acme"), "--user"),
        (("--user", "", "--brand", "acme"), "--user"),
        (("--user", "a\nb", "--brand", "acme"), "--user"),
        (("--user", "host_1"), "--brand"),
        (("--user", "host_1", "--brand", ""), "--brand"),
        (("--user", "host_1", "--brand", "x" * 201), "--brand"),
        (("--user", "host_1", "--brand", "acme", "--client", ""), "--client"),
        (("--user", "host_1", "--brand", "acme", "--email", "ann"), "--email"),
        (("--user", "host_1", "--brand", "acme", "--email", "a@example.com\nBcc: b@example.com"), "--email"),
        (("--user", "host_1", "--brand", "acme", "--time-zone", "Mars/Olympus"), "--time-zone"),
        (("--user", "host_1", "--brand", "acme", "--time-zone", "../../etc/passwd"), "--time-zone"),
        (("--revoke", "nonsense"), "--revoke"),
        (("--revoke", "01900000-0000-7000-8000-000000000000"), "--revoke"),
        (("--revoke", ""), "--revoke"),
    ],
)
def test_what_cannot_be_minted_or_revoked_is_told_in_one_line(env: Environment, arguments: tuple[str, ...], named: str) -> None:
    assert named in greenroom("token", *arguments, env=env).only_line()


def test_a_scope_that_is_not_known_is_answered_with_those_that_are(env: Environment) -> None:
    line = mint(env, "--scope", "dance:live").only_line()
    assert [scope for scope in ("read:live", "write:live", "manage:live", "admin:live", "admin:*") if scope not in line] == []


async def test_a_token_that_was_revoked_is_refused_within_seconds(env: Environment, http: httpx.AsyncClient) -> None:
    token = mint(env).out.strip()
    assert await status_with(http, token) == 404
    assert greenroom("token", "--revoke", token, env=env).status == 0
    assert await refused_within(http, token, SEEN_SECONDS)


async def test_a_token_is_revoked_by_its_id_too(env: Environment, http: httpx.AsyncClient) -> None:
    token = mint(env).out.strip()
    assert greenroom("token", "--revoke", str(claims_of(token)["jti"]), env=env).status == 0
    assert await refused_within(http, token, SEEN_SECONDS)


async def test_another_token_of_the_same_person_stays_valid(env: Environment, http: httpx.AsyncClient) -> None:
    revoked, kept = (mint(env).out.strip() for _ in range(2))
    greenroom("token", "--revoke", revoked, env=env)
    assert await refused_within(http, revoked, SEEN_SECONDS)
    assert await status_with(http, kept) == 404


def test_to_revoke_a_token_again_is_no_error(env: Environment) -> None:
    token = mint(env).out.strip()
    assert [greenroom("token", "--revoke", token, env=env).status for _ in range(2)] == [0, 0]


def test_the_list_shows_what_was_minted_and_never_the_token(env: Environment, tenant: Tenant) -> None:
    token = mint(env, brand=tenant.brand, user="listed").out.strip()
    said = greenroom("token", "--list", env=env)
    [line] = [line for line in said.out.splitlines() if tenant.brand in line]
    assert line.split()[:3] == [claims_of(token)["jti"], "listed", tenant.brand]
    assert token.rpartition(".")[2] not in said.out


def test_the_list_says_which_were_revoked(env: Environment, tenant: Tenant) -> None:
    greenroom("token", "--revoke", mint(env, brand=tenant.brand).out.strip(), env=env)
    [line] = [line for line in greenroom("token", "--list", env=env).out.splitlines() if tenant.brand in line]
    assert line.endswith("(revoked)")


def link_of(said: Said) -> str:
    """The one line that was printed."""
    assert (said.status, said.err) == (0, "")
    (line,) = said.out.splitlines()
    return line


def test_a_link_is_printed_and_nothing_else(env: Environment) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/signin/link\?code=[A-Za-z0-9_-]{43}", link_of(mint(env, "--link")))


def test_a_link_begins_where_pages_are(env: Environment) -> None:
    assert link_of(mint(env, "--link", "--at", "https://live.example.com")).startswith("https://live.example.com/signin/link?")
    public = {**env, "GREENROOM_PUBLIC_URL": "https://public.example.com"}
    assert link_of(mint(public, "--link")).startswith("https://public.example.com/signin/link?")


async def test_a_printed_link_signs_in_as_who_it_is_for(env: Environment, http: httpx.AsyncClient, tenant: Tenant) -> None:
    said = mint(env, "--link", "--leads-to", "/host?month=2027-03", "--at", str(http.base_url).rstrip("/"), brand=tenant.brand)
    page = await http.get(link_of(said))
    assert f"This link signs you in as host_1, at {tenant.brand}." in page.text
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', page.text))
    code = link_of(said).partition("code=")[2]
    signed_in = await http.post("/signin/link", data={"csrf": csrf, "code": code}, headers={"sec-fetch-site": "same-origin"})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/host?month=2027-03")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--leads-to", "//evil.example"], "--leads-to"),
        (["--leads-to", "https://evil.example"], "--leads-to"),
        (["--leads-to", "host"], "--leads-to"),
        (["--leads-to", "/a b"], "--leads-to"),
        (["--at", "live.example.com"], "--at"),
        (["--at", "https://live.example.com/path"], "--at"),
        (["--scope", "unheard:of"], "--scope"),
        (["--scope", "write:live"], "--scope"),
    ],
)
def test_a_link_that_would_not_work_is_refused_in_a_line(env: Environment, arguments: list[str], told: str) -> None:
    said = mint(env, "--link", *arguments)
    assert (said.status, said.out) == (1, "")
    assert told in said.only_line()


def test_a_link_needs_a_brand(env: Environment) -> None:
    said = greenroom("token", "--link", "--user", "root", "--scope", "admin:*", env=env)
    assert said.status == 1
    assert "--brand" in said.only_line()


def test_a_link_needs_local_identity(env: Environment) -> None:
    elsewhere = {
        **env,
        "GREENROOM_IDENTITY": "jwt",
        "GREENROOM_JWT_ISSUER": "https://id.example",
        "GREENROOM_JWT_AUDIENCE": "x",
    }
    assert mint(elsewhere, "--link").status == 1

"""A session's card in another site's frame: shown to anybody, framed by the sites that are named."""

from pathlib import Path

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.tenant import Json, Tenant
from tests.web.pages.shown import FRAMING_SITE, at, opened
from tests.web.pages.visiting import Page, visiting

SOON = "2027-03-01T17:00:00Z"


def card_of(session: Json) -> str:
    return f"/embed/s/{session['id']}"


async def seen(public: Server, tenant: Tenant, session: Json, **more: str) -> Page:
    """As a frame shows it, to which a browser sends no cookies of who is signed in."""
    return await opened(public, tenant, card_of(session), None, **more)


async def test_a_card_is_shown_to_the_sites_that_are_named_and_to_no_other(
    http: httpx.AsyncClient, server: Server, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, "2027-03-01T08:00:00Z", '<img src=x onerror="alert(1)">')
    path = f"/embed/s/{session['id']}"
    assert (await opened(server, tenant, path)).status == 404
    card = await opened(public, tenant, path, None)
    assert card.answer.headers["content-security-policy"].endswith(f"frame-ancestors {FRAMING_SITE}")
    assert "x-frame-options" not in card.answer.headers
    assert card.one("h1").get_text() == '<img src=x onerror="alert(1)">'
    assert card.one("a.button")["href"] == f"/s/{session['id']}"
    assert not card.has("form")
    page = await opened(public, tenant, f"/s/{session['id']}")
    assert page.answer.headers["content-security-policy"].endswith("frame-ancestors 'none'")
    assert page.answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "origins", ["www.example.com", "https://a.example/path", "javascript:alert(1)", "https://a b", "https://*.example.com"]
)
def test_an_origin_that_is_none_is_refused_in_a_line(database: TestDatabase, tmp_path: Path, origins: str) -> None:
    settings = {"GREENROOM_EMBED_ORIGINS": origins}
    with (
        pytest.raises(AssertionError, match="GREENROOM_EMBED_ORIGINS: expected origins"),
        running_server(database, tmp_path, settings=settings),
    ):
        pass


async def test_several_sites_may_be_named(
    http: httpx.AsyncClient, database: TestDatabase, tmp_path: Path, tenant: Tenant
) -> None:
    session = await at(http, tenant, SOON, "one")
    settings = {"GREENROOM_EMBED_ORIGINS": "https://a.example, https://b.example:8443"}
    with running_server(database, tmp_path, settings=settings) as framed:
        headers = (await seen(framed, tenant, session)).answer.headers
        page = await opened(framed, tenant, "/", None)
    assert headers["content-security-policy"].endswith("; frame-ancestors https://a.example https://b.example:8443")
    assert headers["cache-control"] == "private, no-store"
    assert page.text.startswith("Sign in"), "cards are shown where pages are not"


async def test_a_card_says_what_and_who_and_when_and_how_many(http: httpx.AsyncClient, public: Server, tenant: Tenant) -> None:
    session = await at(http, tenant, SOON, "Ask me", kind="office_hours", max_participants=2)
    card = await seen(public, tenant, session)
    assert card.text == (
        "Scheduled Office hours Ask me With host_1 Monday, 1 March 2027, 17:00 (UTC) 2 seats left "
        "Open the session (in a new tab)"
    )
    link = card.one("a")
    assert (link["target"], link["rel"]) == ("_blank", ["noopener"])


async def test_a_card_tells_times_in_the_zone_that_came_with_it(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, SOON, "one")
    time = (await seen(public, tenant, session, zone="Pacific/Kiritimati")).one("time")
    assert time.get_text() == "Tuesday, 2 March 2027, 07:00 (Line Islands Time, Pacific/Kiritimati)"
    assert time["datetime"] == "2027-03-01T17:00:00.000Z"


async def test_a_cards_module_has_the_words_to_tell_the_time_again(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    card = await seen(public, tenant, await at(http, tenant, SOON, "one"))
    assert card.one("time")["data-told"] == "{day}, {time} ({zone})"
    assert card.one("time")["data-zone"] == "{name}, {zone}"
    async with visiting(public.url) as visitor:
        module = await visitor.http.get(str(card.one("script[type=module]")["src"]))
    assert module.status_code == 200
    assert "formatToParts" in module.text


async def test_a_full_one_says_so_and_one_that_is_over_counts_no_seats(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, SOON, "one", max_participants=1)
    await http.post(f"/v1/sessions/{session['id']}/registrations", headers=tenant.bearer("ada"))
    assert "Full" in (await seen(public, tenant, session)).text
    await tenant.step(http, session, "cancel")
    card = await seen(public, tenant, session)
    assert card.text.startswith("Cancelled")
    assert "Full" not in card.text


async def test_a_card_has_no_bar_and_nothing_of_who_is_signed_in(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    session = await at(http, tenant, SOON, "one")
    card = await opened(public, tenant, card_of(session), "ada")
    assert not card.has("header, nav, form, input, [data-user]")
    assert "ada" not in card.answer.text


@pytest.mark.parametrize("session_id", ["x", "00000000-0000-7000-8000-000000000000"])
async def test_a_card_of_nothing_is_not_there(public: Server, tenant: Tenant, session_id: str) -> None:
    assert (await opened(public, tenant, f"/embed/s/{session_id}", None)).status == 404


@pytest.mark.parametrize("title", ["\u202e" + "gnp.exe", "x" * 10_000, "{{ 7 * 7 }}"])
async def test_a_cards_title_is_text_and_of_some_length(
    http: httpx.AsyncClient, public: Server, tenant: Tenant, title: str
) -> None:
    shown = (await seen(public, tenant, await at(http, tenant, SOON, title))).one("h1 bdi").get_text()
    assert title.startswith(shown.removesuffix("…"))
    assert len(shown) <= 200


async def test_a_card_of_a_title_that_nobody_sees_has_a_heading(
    http: httpx.AsyncClient, public: Server, tenant: Tenant
) -> None:
    card = await seen(public, tenant, await at(http, tenant, SOON, "\u200b"))
    assert card.one("h1").get_text() == "(no title)"

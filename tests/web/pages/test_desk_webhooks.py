"""The pages of a brand's webhooks: endpoints are made, changed and deleted."""

import html
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from greenroom.webhooks import service
from tests.postgres import Owner
from tests.server import Server
from tests.tenant import Tenant
from tests.web.pages.hooks import DISABLED, HOSTILE, MANAGE, PATH, alert_of, at, listed
from tests.web.pages.visiting import Visitor, visiting
from tests.webhooks.asking import URL, Manager


@pytest.fixture
def api(http: httpx.AsyncClient, tenant: Tenant) -> Manager:
    return Manager(http, tenant)


@pytest.fixture
async def visitor(server: Server, tenant: Tenant) -> AsyncIterator[Visitor]:
    """Who manages the brand."""
    async with visiting(server.url, "manager_1", tenant.brand, scope=MANAGE, zone="Europe/Berlin") as somebody:
        yield somebody


async def test_who_has_none_is_told_what_to_do(visitor: Visitor) -> None:
    page = await visitor.get(PATH)
    assert page.status == 200
    assert "There is none yet. Add one" in page.text
    assert page.one(f'nav a[href="{PATH}"]')["aria-current"] == "page"


async def test_an_endpoint_is_made_and_its_secret_is_shown_once(visitor: Visitor, api: Manager) -> None:
    events = "live.session., live.recording.ready.v1\n\nlive.question."
    page = await visitor.send(PATH, PATH, url=f" {URL} ", description="What the app shows", events=events)
    assert page.status == 201
    assert page.answer.headers["cache-control"] == "private, no-store"
    secret = str(page.one("#secret")["value"])
    assert secret.startswith("whsec_")
    assert "no page shows it again" in page.text
    assert "WebhookVerificationError" in page.text
    (made,) = await listed(api)
    assert (made["url"], made["description"]) == (URL, "What the app shows")
    assert made["events"] == ["live.session.", "live.recording.ready.v1", "live.question."]
    assert page.one(f'main a.button[href="{at(made)}"]')
    await visitor.post(at(made, "/test"), (await visitor.get(at(made))).form(at(made, "/test")))
    for path in (PATH, at(made)):
        assert secret.removeprefix("whsec_") not in html.unescape((await visitor.get(path)).answer.text)


async def test_a_form_that_was_sent_twice_makes_one(visitor: Visitor, api: Manager) -> None:
    form = {**(await visitor.get(PATH)).form(PATH), "url": URL}
    first, second = [await visitor.post(PATH, form) for _ in range(2)]
    assert first.one("#secret")["value"] == second.one("#secret")["value"]
    assert len(await listed(api)) == 1
    await visitor.send(PATH, PATH, url=URL)
    assert len(await listed(api)) == 2


async def test_what_is_suggested_tells_nobodys_address(visitor: Visitor, api: Manager) -> None:
    await visitor.send(PATH, PATH, url=URL)
    assert [one["events"] for one in await listed(api)] == [["live."]]


@pytest.mark.parametrize(
    "url",
    [
        "", "javascript:alert(1)", "ftp://app.example.com/", "http://app.example.com/hook", "https://localhost/hook",
        "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/", "https://0x7f000001/",
        "https://ada:secret@app.example.com/", "https://app.example.com/#part", f"https://app.example.com/{HOSTILE}",
        f"https://app.example.com/{'x' * 2048}", "https://app.example.com/\0",
    ],
    ids=range(14),
)  # fmt: skip
async def test_a_url_that_nothing_may_be_sent_to_comes_back_as_it_was_typed(visitor: Visitor, api: Manager, url: str) -> None:
    page = await visitor.send(PATH, PATH, url=url, description=HOSTILE, events="live.session.")
    assert page.status == 400
    assert "url: expected an https URL" in alert_of(page)
    form = page.form(PATH)
    assert (form["url"].replace("\ufffd", "\0"), form["description"], form["events"]) == (url, HOSTILE, "live.session.")
    assert page.one("#url")["aria-invalid"] == "true"
    assert "problems" in str(page.one("#url")["aria-describedby"])
    assert not [one for one in page.all("script") if "alert" in one.get_text()]
    assert await listed(api) == []


@pytest.mark.parametrize(
    "events", ["", " , \n", "live.session.exploded.v1", "live", "everything", HOSTILE, ",".join(["*"] * 51)]
)
async def test_events_that_nothing_is_called_come_back_as_they_were_typed(visitor: Visitor, api: Manager, events: str) -> None:
    page = await visitor.send(PATH, PATH, url=URL, events=events)
    assert page.status == 400
    assert "events: expected 1 to 50 of" in alert_of(page)
    assert page.form(PATH)["events"] == events
    assert page.one("#events")["aria-invalid"] == "true"
    assert await listed(api) == []


async def test_a_description_that_is_too_long_comes_back(visitor: Visitor) -> None:
    page = await visitor.send(PATH, PATH, url=URL, description="x" * 501)
    assert page.status == 400
    assert page.one("#description")["aria-invalid"] == "true"
    assert page.form(PATH)["description"] == "x" * 501


async def test_a_brand_that_has_as_many_as_it_may_have_is_told_so(visitor: Visitor, api: Manager, owner: Owner) -> None:
    made = await api.make()
    await owner.execute(
        "insert into webhook_endpoints (brand_id, id, url, events, secret, since_position, created_at, updated_at)"
        " select w.brand_id, gen_random_uuid(), w.url, w.events, w.secret, 0, now(), now()"
        " from webhook_endpoints w, generate_series(2, $2) where w.id = $1", UUID(made["id"]), service.MOST_ENDPOINTS,
    )  # fmt: skip
    page = await visitor.send(PATH, PATH, url=URL)
    assert page.status == 412
    assert "as many as it may have" in alert_of(page)


async def test_the_list_says_how_each_stands(visitor: Visitor, api: Manager, owner: Owner) -> None:
    made = {reason: await api.make(description=f"{reason} {HOSTILE}") for reason in ("requested", "failing", "gone")}
    fine = await api.make()
    for reason, one in made.items():
        await owner.execute(DISABLED, UUID(one["id"]), reason)
    page = await visitor.get(PATH)
    told = {str(one["data-endpoint"]): one.get_text(" ", strip=True) for one in page.all("[data-endpoint]")}
    assert "Disabled Somebody disabled it." in told[made["requested"]["id"]]
    assert "Disabled It had failed for five days" in told[made["failing"]["id"]]
    assert "Disabled It answered 410" in told[made["gone"]["id"]]
    assert "Enabled" in told[fine["id"]]
    assert "Disabled" not in told[fine["id"]]
    assert HOSTILE in told[made["gone"]["id"]]
    assert page.one(f'a[href="{at(fine)}"]').get_text() == URL


async def test_an_endpoint_that_fails_says_since_when(visitor: Visitor, api: Manager, owner: Owner) -> None:
    made = await api.make()
    await owner.execute("update webhook_endpoints set failing_since = now() where id = $1", UUID(made["id"]))
    page = await visitor.get(PATH)
    assert "Has failed since" in page.one(f'[data-endpoint="{made["id"]}"]').get_text()
    failing = (await visitor.get(at(made))).one("#failing").get_text(" ", strip=True)
    assert "Central European" in failing
    assert "After five days without one success it is disabled." in failing


async def test_a_long_list_comes_in_pages(visitor: Visitor, api: Manager) -> None:
    made = [(await api.make())["id"] for _ in range(21)]
    first = await visitor.get(PATH)
    second = await visitor.get(str(first.one("a[rel=next]")["href"]))
    assert [one["data-endpoint"] for page in (first, second) for one in page.all("[data-endpoint]")] == made
    assert not second.has("a[rel=next]")
    assert second.one(f'main a.quiet[href="{PATH}"]')


async def test_the_settings_are_changed(visitor: Visitor, api: Manager) -> None:
    made = await api.make(description="Old", events=["live.session.", "live.question."])
    shown = (await visitor.get(at(made))).form(at(made, "/edit"))
    assert (shown["url"], shown["description"], shown["events"], shown["is_enabled"]) == (
        URL, "Old", "live.session.\nlive.question.", "yes",
    )  # fmt: skip
    page = await visitor.send(at(made), at(made, "/edit"), url=f"{URL}/2", description="", events="*")
    assert page.status == 200
    assert "The endpoint is changed." in page.text
    now = await api.read(made)
    assert (now["url"], now["description"], now["events"], now["status"]) == (f"{URL}/2", None, ["*"], "enabled")


async def test_an_endpoint_is_switched_off_and_on(visitor: Visitor, api: Manager) -> None:
    made = await api.make()
    form = (await visitor.get(at(made))).form(at(made, "/edit"))
    del form["is_enabled"]
    page = await visitor.post(at(made, "/edit"), form)
    assert "Disabled Somebody disabled it." in page.one("#state").get_text(" ", strip=True)
    assert (await api.read(made))["status"] == "disabled"
    await visitor.send(at(made), at(made, "/edit"), is_enabled="yes")
    assert (await api.read(made))["status"] == "enabled"


async def test_who_changes_something_else_does_not_enable_what_was_disabled_meanwhile(
    visitor: Visitor, api: Manager, owner: Owner
) -> None:
    made = await api.make()
    form = (await visitor.get(at(made))).form(at(made, "/edit"))
    await owner.execute(DISABLED, UUID(made["id"]), "gone")
    await visitor.post(at(made, "/edit"), {**form, "description": "New"})
    now = await api.read(made)
    assert (now["description"], now["status"], now["disabled_reason"]) == ("New", "disabled", "gone")


async def test_a_change_that_is_none_comes_back_as_it_was_typed(visitor: Visitor, api: Manager) -> None:
    made = await api.make()
    form = {**(await visitor.get(at(made))).form(at(made, "/edit")), "url": "https://10.0.0.1/", "events": "live.question."}
    del form["is_enabled"]
    page = await visitor.post(at(made, "/edit"), form)
    assert page.status == 400
    assert "url: expected" in alert_of(page)
    again = page.form(at(made, "/edit"))
    assert (again["url"], again["events"]) == ("https://10.0.0.1/", "live.question.")
    assert "is_enabled" not in again
    assert await api.read(made) == {name: value for name, value in made.items() if name != "secret"}


async def test_a_new_secret_is_shown_once_and_the_old_one_is_good_for_a_day(visitor: Visitor, api: Manager) -> None:
    made = await api.make()
    form = (await visitor.get(at(made))).form(at(made, "/rotate"))
    page = await visitor.post(at(made, "/rotate"), form)
    assert page.status == 200
    secret = str(page.one("#secret")["value"])
    assert secret.startswith("whsec_")
    assert secret != made["secret"]
    assert "For 24 hours they are signed with the secret before as well, until" in page.text
    until = (await api.read(made))["previous_secret_until"]
    assert page.one(f'time[datetime="{until}"]')
    assert (await visitor.post(at(made, "/rotate"), form)).one("#secret")["value"] == secret
    assert (await api.read(made))["previous_secret_until"] == until
    after = await visitor.get(at(made))
    assert after.one(f'main time[datetime="{until}"]')
    assert secret not in html.unescape(after.answer.text)
    assert made["secret"] not in html.unescape(after.answer.text)


async def test_an_endpoint_is_deleted_after_asking_once_more(visitor: Visitor, api: Manager) -> None:
    made, other = await api.make(), await api.make()
    page = await visitor.get(at(made))
    assert page.one(f'details form[action="{at(made, "/delete")}"] button.danger')
    after = await visitor.post(at(made, "/delete"), page.form(at(made, "/delete")))
    assert "The endpoint is deleted." in after.text
    assert [one["id"] for one in await listed(api)] == [other["id"]]
    assert (await visitor.get(at(made))).status == 404
    assert (await visitor.post(at(made, "/delete"), page.form(at(made, "/delete")))).status == 404

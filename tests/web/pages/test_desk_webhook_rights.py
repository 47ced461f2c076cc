"""Whose the pages of webhooks are, and what nobody else may see or do."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.postgres import Owner
from tests.server import Server
from tests.tenant import Tenant
from tests.web.pages.hooks import HOSTILE, MANAGE, PATH, at, csrf_of, deliveries_of, listed, planted
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


@pytest.mark.parametrize("verb", ["", "/edit", "/rotate", "/test", "/delete", "/deliveries/{delivery}/redeliver"])
async def test_only_who_manages_may_do_anything(server: Server, tenant: Tenant, api: Manager, owner: Owner, verb: str) -> None:
    made = await api.make()
    delivery = await planted(owner, tenant, made, state="failed")
    before = (await listed(api), await deliveries_of(api, made))
    async with visiting(server.url, "host_1", tenant.brand) as host:
        fields = {"csrf": await csrf_of(host), "once": "k", "url": URL, "events": "*"}
        page = await host.post(PATH if verb == "" else at(made, verb.format(delivery=delivery)), fields)
    assert page.status == 403
    assert "Webhooks are for who manages the brand." in page.text
    assert (await listed(api), await deliveries_of(api, made)) == before


async def test_only_who_manages_may_look(server: Server, tenant: Tenant, api: Manager) -> None:
    made = await api.make()
    async with visiting(server.url, "host_1", tenant.brand) as host:
        for path in (PATH, at(made)):
            page = await host.get(path)
            assert page.status == 403
            assert "Webhooks are for who manages the brand." in page.text
            assert URL not in page.answer.text
    async with visiting(server.url) as nobody:
        answer = await nobody.get(PATH, follow=False)
        assert (answer.status, answer.answer.headers["location"]) == (303, "/signin?next=%2Fhost%2Fwebhooks")


async def test_another_brands_endpoints_are_not_there(server: Server, tenant: Tenant, api: Manager, owner: Owner) -> None:
    made = await api.make()
    delivery = await planted(owner, tenant, made, state="failed")
    async with visiting(server.url, "manager_1", f"{tenant.brand}-other", scope=MANAGE) as other:
        assert (await other.get(PATH)).text.count(URL) == 0
        assert (await other.get(at(made))).status == 404
        fields = {"csrf": await csrf_of(other), "once": "k", "url": f"{URL}/2", "events": "*"}
        for verb in ("/edit", "/rotate", "/test", "/delete", f"/deliveries/{delivery}/redeliver"):
            assert (await other.post(at(made, verb), fields)).status == 404
        assert (await other.get(f"{PATH}/no-id")).status == 404
    assert await api.read(made) == {name: value for name, value in made.items() if name != "secret"}


@pytest.mark.parametrize("verb", ["", "/edit", "/rotate", "/test", "/delete"])
async def test_a_form_without_its_proof_or_of_another_site_does_nothing(visitor: Visitor, api: Manager, verb: str) -> None:
    made = await api.make()
    action = PATH if verb == "" else at(made, verb)
    fields = {"csrf": await csrf_of(visitor), "once": "k", "url": f"{URL}/2", "events": "*"}
    assert (await visitor.post(action, {**fields, "csrf": "x"})).status == 403
    elsewhere = await visitor.http.post(action, data=fields, headers={"sec-fetch-site": "cross-site", "accept": "text/html"})
    assert elsewhere.status_code == 403
    assert await listed(api) == [{name: value for name, value in made.items() if name != "secret"}]
    assert await deliveries_of(api, made) == []


async def test_a_module_gets_what_the_service_answers(visitor: Visitor, api: Manager) -> None:
    made = await api.make()
    fields = {"csrf": await csrf_of(visitor), "once": "k", "url": f"{URL}/2", "events": "*", "is_enabled": "yes"}
    changed = await visitor.ask(at(made, "/edit"), fields)
    assert (changed.status_code, changed.json()["url"]) == (200, f"{URL}/2")
    refused = await visitor.ask(at(made, "/edit"), {**fields, "url": "https://10.0.0.1/"})
    assert (refused.status_code, refused.json()["error"]) == (400, "validation_error")
    added = await visitor.ask(PATH, fields)
    assert added.json()["secret"].startswith("whsec_")
    assert added.headers["cache-control"] == "no-store"


async def test_nothing_on_the_pages_is_styled_or_scripted_in_place(
    visitor: Visitor, api: Manager, owner: Owner, tenant: Tenant
) -> None:
    made = await api.make(description=HOSTILE)
    await planted(owner, tenant, made, state="failed", error="status", status=500, name=HOSTILE)
    secret = await visitor.send(at(made), at(made, "/rotate"))
    for page in (await visitor.get(PATH), await visitor.get(at(made)), secret):
        assert page.status == 200
        assert not [one for one in page.all("*") if any(name == "style" or name.startswith("on") for name in one.attrs)]
        assert {one.get("type") for one in page.all("script")} == {"application/json", "module"}
        assert not [one for one in page.all("script") if "alert" in one.get_text()]
        ids = [one["id"] for one in page.all("[id]")]
        assert len(ids) == len(set(ids))
        assert all(box.get("aria-label") or page.has(f"#{box['aria-labelledby']}") for box in page.all("[role=group]"))
        assert {str(one["for"]) for one in page.all("label[for]")} <= set(map(str, ids))

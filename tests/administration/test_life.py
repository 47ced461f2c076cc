"""One session, its host, co-hosts, managers and administrators: whatever they do in whatever order, the model foretold it."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from greenroom.kit.ids import BrandId
from tests.administration.admins import ADMIN_SESSIONS, UNSHOWN, Audited, Told, told
from tests.administration.life import Brand, Expected, Life
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server
from tests.session_settings.said import BRAND_SETTINGS, BRANDS, SESSIONS, holding
from tests.tenant import Json, Tenant

WALKS, STEPS = 20, 30

# Few values of each, so that a change is often none.
HOSTS_VALUES: dict[str, list[Any]] = {
    "title": ["Ask the physiotherapist", "Another title"],
    "scheduled_at": ["2027-03-01T17:00:00.000Z", "2027-04-01T09:00:00.123Z"],
    "max_participants": [100, 7],
    "kind": ["live", "office_hours"],
    "metadata": [{}, {"room": "blue"}],
}
ADMINS_VALUES: dict[str, list[Any]] = HOSTS_VALUES | {
    "description": ["", "Bring questions."],
    "community_slug": [None, "knees"],
    "duration_minutes": [30, 45],
    "co_host_ids": [[], ["co_1"], ["co_2", "co_1"], ["host_1"]],
    "cover_image_url": [None, "https://images.example.com/a.jpg"],
    "tags": [[], ["knee"], ["knee", "back"]],
    "category": ["", "talk"],
}
SETTINGS = {name: [None, BRANDS[name], SESSIONS[name]] for name in ("moderation", "video_provider", "doors_open_minutes")}

USERS = st.sampled_from(["host_1", "host_1", "co_1", "co_2", "stranger", "manager"])
CONDITIONS = st.sampled_from([None, None, 0, -1])  # If-Match: none, the present version, the one before it


def some_of(values: dict[str, list[Any]]) -> st.SearchStrategy[Json]:
    """A body with up to three of the fields, or with many."""
    each = {name: st.sampled_from(those) for name, those in values.items()}
    few = st.sets(st.sampled_from(sorted(values)), max_size=3).flatmap(
        lambda names: st.fixed_dictionaries({name: each[name] for name in sorted(names)})
    )
    return few | st.fixed_dictionaries({}, optional=each)


WANTED = st.fixed_dictionaries({}, optional={"status": st.sampled_from(["scheduled", "cancelled"])})


class Walk(RuleBasedStateMachine):
    """The service, and beside it the model; every rule asks both."""

    def __init__(self, server: Server, database: TestDatabase) -> None:
        super().__init__()
        self.http = httpx.Client(verify=AUTHORITIES, base_url=server.url, timeout=30)
        self.database = database
        self.tenant = Tenant(BrandId(f"brand-{uuid4().hex[:12]}"))
        created = self.http.post("/v1/sessions", json=self.tenant.wanted(), headers=self.tenant.bearer()).json()
        first: Json = {**dict.fromkeys(ADMINS_VALUES), "co_host_ids": [], "tags": []}
        self.life = Life(id=created["id"], fields={**first, **{name: created[name] for name in HOSTS_VALUES}})
        self.brand = Brand()
        self.updated_at: str = created["updated_at"]

    @rule(user=USERS, body=some_of(HOSTS_VALUES), condition=CONDITIONS)
    def host_edits(self, user: str, body: Json, condition: int | None) -> None:
        response = self.http.patch(self.path(), json=body, headers=self.headers(user, condition))
        self.agree(response, self.life.patch(user, body, expected=self.expected(condition)))

    @rule(others=some_of(ADMINS_VALUES), status=WANTED, condition=CONDITIONS)
    def administrator_changes(self, others: Json, status: Json, condition: int | None) -> None:
        body = others | status
        response = self.http.patch(f"{ADMIN_SESSIONS}/{self.life.id}", json=body, headers=self.headers("admin", condition))
        self.agree(response, self.life.administer(body, expected=self.expected(condition)))

    @rule(status=st.sampled_from(["cancelled", "scheduled"]))
    def administrator_cancels_or_reinstates(self, status: str) -> None:
        self.administrator_changes({}, {"status": status}, None)

    @rule(user=USERS, verb=st.sampled_from(["start", "end", "cancel"]))
    def somebody_takes_a_step(self, user: str, verb: str) -> None:
        self.agree(self.http.post(self.path(verb), headers=self.headers(user)), self.life.step(user, verb))

    @rule(user=USERS, other=st.sampled_from(["co_1", "co_2", "stranger", "host_1"]), is_co_host=st.booleans())
    def somebody_chooses_a_co_host(self, *, user: str, other: str, is_co_host: bool) -> None:
        method = "PUT" if is_co_host else "DELETE"
        response = self.http.request(method, self.path("co-hosts", other), headers=self.headers(user))
        self.agree(response, self.life.co_host(user, other, is_co_host=is_co_host))

    @rule(user=USERS, body=some_of(SETTINGS))
    def somebody_changes_the_sessions_settings(self, user: str, body: Json) -> None:
        response = self.http.patch(self.path("settings"), json=body, headers=self.headers(user))
        self.agree(response, self.life.say(user, body))

    @rule(body=some_of(SETTINGS))
    def administrator_changes_the_brands_settings(self, body: Json) -> None:
        response = self.http.patch(BRAND_SETTINGS, json=body, headers=self.headers("admin"))
        self.agree(response, self.brand.say(body))

    @invariant()
    def the_session_reads_as_foretold(self) -> None:
        read = self.http.get(self.path(), headers=self.headers("reader"))
        shown = read.json()
        assert read.headers["etag"] == f'"{self.life.version}.0.0.0"'
        assert {name: shown[name] for name in HOSTS_VALUES} == {name: self.life.fields[name] for name in HOSTS_VALUES}
        assert shown["status"] == self.life.status

    @invariant()
    def the_settings_hold_as_foretold(self) -> None:
        read = self.http.get(self.path("settings"), headers=self.headers("reader"))
        assert read.json() == holding(brand=self.brand.settings, session=self.life.settings)

    def teardown(self) -> None:
        try:
            (seen,) = self.http.get(ADMIN_SESSIONS, headers=self.headers("admin")).json()["sessions"]
            shown = {name: value for name, value in self.life.fields.items() if name != UNSHOWN}
            assert {name: seen[name] for name in shown} == shown
            asyncio.run(self.assert_told())
        finally:
            self.http.close()

    async def assert_told(self) -> None:
        """Every version has its audit row and its events, and there is nothing else."""
        owner = await asyncpg.connect(self.database.owner_url)
        try:
            audit = await owner.fetch(
                "select entity, entity_version, action, changed from audit_log where brand_id = $1 order by 1, 2",
                self.tenant.brand,
            )
            events = await owner.fetch(
                "select name, payload::text, session_id from all_events_any_brand_v1()"
                " where brand_id = $1 and name like 'live.%' order by sequence",
                self.tenant.brand,
            )
            community = await owner.fetchval("select community_slug from sessions where id = $1", UUID(self.life.id))
        finally:
            await owner.close()
        assert community == self.life.fields[UNSHOWN]
        rows = {entity: [(*row[1:3], sorted(row[3])) for row in audit if row[0] == entity] for entity in ("session", "brand")}
        assert [Audited(*row) for row in rows["session"]] == self.life.audit
        assert [Audited(*row) for row in rows["brand"]] == [
            Audited(version, "brand.updated", changed) for version, changed in enumerate(self.brand.changes, start=1)
        ]
        of_session = [told(*row[:2]) for row in events if row["session_id"] is not None]
        assert [as_foretold(event) for event in of_session[1:]] == [
            as_foretold(Told(event.name, event.payload)) for event in self.life.events
        ]
        assert [told(*row[:2]).payload for row in events if row["session_id"] is None] == [
            {"version": version, "changed": changed} for version, changed in enumerate(self.brand.changes, start=1)
        ]

    def agree(self, response: httpx.Response, status: int) -> None:
        """The answer is the model's; no time goes back."""
        assert response.status_code == status, response.text
        answer = response.json()
        if status == 200 and "updated_at" in answer:
            assert answer["updated_at"] >= self.updated_at
            self.updated_at = answer["updated_at"]

    def path(self, *parts: str) -> str:
        return "/".join(["/v1/sessions", self.life.id, *parts])

    def expected(self, condition: int | None) -> int | None:
        return None if condition is None else self.life.version + condition

    def headers(self, user: str, condition: int | None = None) -> dict[str, str]:
        """An administrator is another one with each request: a minute has 100 for each."""
        scope = {"manager": "manage:live", "admin": "admin:live"}.get(user, "read:live write:live")
        named = {} if condition is None else {"If_Match": f'"{self.expected(condition)}.0.0.0"'}
        return self.tenant.bearer(f"admin {uuid4()}" if user == "admin" else user, scope=scope, **named)


def as_foretold(event: Told) -> Expected:
    """The event without what only the clock knows."""
    known: Json = {name: None if name in {"started_at", "ended_at"} else value for name, value in event.payload.items()}
    if "changed" in known:
        known["changed"] = sorted(known["changed"])
    return Expected(event.name, known)


def test_a_session_lives_as_the_model_foretells(server: Server, database: TestDatabase) -> None:
    class Here(Walk):
        def __init__(self) -> None:
            super().__init__(server, database)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

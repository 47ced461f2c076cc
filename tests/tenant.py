"""A brand of a test's own: its tokens, and factories that speak HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.server import SECRET_KEY

Json = dict[str, Any]


class Tenant:
    """One brand, as its people see it."""

    def __init__(self, brand: BrandId) -> None:
        self.brand = brand

    def token(
        self,
        user: str = "host_1",
        *,
        scope: str = "read:live write:live",
        client: str = "test",
        brand: BrandId | None = None,
        lifetime: timedelta = timedelta(hours=1),
        issued: datetime | None = None,
    ) -> str:
        """A token that the tests' server trusts."""
        return Signer([SECRET_KEY]).sign(
            new_grant(
                user=UserId(user),
                brand=brand or self.brand,
                scope=scope,
                client=ClientId(client),
                lifetime=lifetime,
                now=issued or datetime.now(UTC),
            )
        )

    def bearer(self, user: str = "host_1", *, scope: str = "read:live write:live", **headers: str) -> dict[str, str]:
        """The headers of a request; an underscore in a name is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"Authorization": f"Bearer {self.token(user, scope=scope)}", **named}

    def wanted(self, **fields: Any) -> Json:
        """A body that creates a session."""
        return {
            "host_id": "host_1",
            "brand_id": self.brand,
            "title": "Ask the physiotherapist",
            "scheduled_at": "2027-03-01T17:00:00Z",
            "max_participants": 100,
            **fields,
        }

    async def session(self, http: httpx.AsyncClient, **fields: Any) -> Json:
        """A session that was created over HTTP."""
        response = await http.post("/v1/sessions", json=self.wanted(**fields), headers=self.bearer())
        assert response.status_code == 201, response.text
        created: Json = response.json()
        return created

    async def patch(
        self, http: httpx.AsyncClient, session: Json, body: Any, *, user: str = "host_1", **headers: str
    ) -> httpx.Response:
        """PATCH the session with this JSON."""
        return await http.patch(f"/v1/sessions/{session['id']}", json=body, headers=self.bearer(user, **headers))

    async def step(self, http: httpx.AsyncClient, session: Json, verb: str, *, user: str = "host_1") -> httpx.Response:
        """POST start, end or cancel."""
        return await http.post(f"/v1/sessions/{session['id']}/{verb}", headers=self.bearer(user))

    async def ended(self, http: httpx.AsyncClient) -> Json:
        """A session that was held and is over."""
        session = await self.session(http)
        for verb in ("start", "end"):
            response = await self.step(http, session, verb)
            assert response.status_code == 200, response.text
        over: Json = response.json()
        return over

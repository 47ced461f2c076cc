"""The operations of endpoints, asked over HTTP by who manages the brand."""

from typing import Any, Final

import httpx

from tests.tenant import Json, Tenant

ENDPOINTS: Final = "/v1/webhook-endpoints"
URL: Final = "https://127.0.0.1:1/hook"
MANAGE: Final = "manage:live"


class Manager:
    """Who manages the tenant's brand."""

    def __init__(self, http: httpx.AsyncClient, tenant: Tenant) -> None:
        self._http = http
        self._tenant = tenant

    async def ask(self, method: str, path: str = "", body: Any = None, **headers: str) -> httpx.Response:
        """The answer to anything below the endpoints."""
        named = self._tenant.bearer("manager_1", scope=MANAGE, **headers)
        return await self._http.request(method, f"{ENDPOINTS}{path}", json=body, headers=named)

    async def send(self, method: str, path: str, content: bytes) -> httpx.Response:
        """The answer to a body that no encoder would write."""
        named = {**self._tenant.bearer("manager_1", scope=MANAGE), "Content-Type": "application/json"}
        return await self._http.request(method, f"{ENDPOINTS}{path}", content=content, headers=named)

    async def make(self, **fields: Any) -> Json:
        """A new endpoint, with its secret."""
        response = await self.ask("POST", body={"url": URL, **fields})
        assert response.status_code == 201, response.text
        made: Json = response.json()
        return made

    async def read(self, endpoint: Json) -> Json:
        """The endpoint as it is now."""
        response = await self.ask("GET", f"/{endpoint['id']}")
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

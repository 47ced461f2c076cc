"""How any operation is asked for: by its own example, of a session that is there."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from msgspec import Struct

from greenroom.app import ROUTES
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.http.operation import Operation
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.permissions.table import ALLOWS, TABLE, Role
from tests.postgres import Owner
from tests.server import SECRET_KEY
from tests.tenant import Json, Tenant
from tests.wire import id_of

OPERATIONS: Final[dict[str, Operation]] = {
    route.operation.id: route.operation for route in ROUTES if route.operation is not None and route.operation.scope
}
USERS: Final[dict[Role, UserId]] = {
    "host": UserId("host_1"),
    "co_host": UserId("host_2"),
    "registered": UserId("guest_1"),
    "stranger": UserId("guest_2"),
}
LIFETIME: Final = timedelta(hours=1)
OF_A_SESSION: Final = sorted(name for name, operation in OPERATIONS.items() if "{id}" in operation.at)

REGISTER: Final = """
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, registered_at)
values ($1, gen_random_uuid(), $2, $3, 'registered', 1, 100, now())
"""
SEAT: Final = """
update sessions set registered_count = 1, next_position = 2, co_host_ids = array[$3] where brand_id = $1 and id = $2
"""


class Asker(Struct, frozen=True, kw_only=True):
    """A token with one scope, or none; its brand, or none; and the brand that the request names."""

    scope: str | None
    role: Role = "stranger"
    brand: BrandId | None
    names: BrandId | None = None

    def headers(self, client: str) -> dict[str, str]:
        """What says who asks. Each client, scope and brand of a token has a minute of its own, which no other test uses up."""
        named: dict[str, str] = {} if self.names is None else {"X-Brand-Id": self.names}
        if self.scope is None:
            return named
        grant = new_grant(
            user=USERS[self.role],
            client=ClientId(f"{client} {self.scope} {self.brand}"),
            brand=self.brand,
            scope=self.scope,
            lifetime=LIFETIME,
        )
        return {"Authorization": f"Bearer {Signer([SECRET_KEY]).sign(grant)}", **named}


def outsiders(tenant: Tenant, name: str) -> list[Asker]:
    """Who may use the operation, but in another brand."""
    other = BrandId(f"{tenant.brand}-other")
    able = [scope for scope, allowed in ALLOWS.items() if TABLE[name].scope in allowed]
    of_another = [Asker(scope=scope, role="host", brand=other) for scope in able]
    return [*of_another, Asker(scope="admin:*", role="host", brand=None, names=other)]


async def session_for(http: httpx.AsyncClient, owner: Owner, tenant: Tenant, operation: str) -> Json:
    """A session that has everybody in it, and is where the operation makes sense."""
    session = await tenant.session(http)
    await owner.execute(REGISTER, tenant.brand, id_of(session), USERS["registered"])
    await owner.execute(SEAT, tenant.brand, id_of(session), USERS["co_host"])
    for step in TABLE[operation].after:
        response = await tenant.step(http, session, step)
        assert response.status_code == 200, response.text
    return session


async def ask(
    http: httpx.AsyncClient, name: str, tenant: Tenant, session_id: str | UUID, headers: dict[str, str]
) -> httpx.Response:
    """The operation's own example, of this session in this brand."""
    operation = OPERATIONS[name]
    method, path = operation.at.split(" ")
    return await http.request(
        method,
        path.format(id=session_id, user_id="somebody"),
        json=body_of(operation, tenant),
        headers=headers,
    )


def body_of(operation: Operation, tenant: Tenant) -> Any:
    """The example that the document shows, where the example's people are ours."""
    example = operation.body_example
    ours = {"host_id": USERS["host"], "brand_id": tenant.brand}
    return None if example is None else {name: ours.get(name, value) for name, value in example.items()}

"""Use of all that today's release can do, so that its rows are there for the previous one to meet."""

from typing import Final

import httpx

from greenroom.app import ROUTES
from greenroom.kit.http.operation import Operation
from tests.tenant import Json, Tenant

CHANGES: Final = [
    route.operation for route in ROUTES if route.operation is not None and route.operation.scope and route.method != "GET"
]
STEPS: Final = ("startSession", "endSession", "cancelSession")


async def leave_traces_of_everything(http: httpx.AsyncClient, tenant: Tenant) -> Json:
    """A session on which every operation that changes something was used, by its own example; new ones find their way here."""
    session = await tenant.session(http)
    for operation in CHANGES:
        if operation.id not in STEPS:
            response = await _use(http, operation, tenant, session)
            assert response.is_success, (operation.id, response.text)
    for step in ("start", "end"):
        assert (await tenant.step(http, session, step)).is_success
    return session


async def _use(http: httpx.AsyncClient, operation: Operation, tenant: Tenant, session: Json) -> httpx.Response:
    method, path = operation.at.split(" ")
    example = operation.body_example
    ours = {"host_id": session["host_id"], "brand_id": tenant.brand}
    body = None if example is None else {name: ours.get(name, value) for name, value in example.items()}
    path = path.format(id=session["id"], user_id="host_2")
    return await http.request(method, path, json=body, headers=tenant.bearer(scope="admin:live"))

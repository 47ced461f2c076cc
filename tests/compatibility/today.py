"""Use of all that today's release can do, so that its rows are there for the previous one to meet."""

from collections.abc import Mapping
from typing import Final

import httpx

from greenroom.app import ROUTES
from greenroom.kit.http.operation import Operation
from tests.registrations.people import room
from tests.tenant import Json, Tenant

CHANGES: Final = [
    route.operation for route in ROUTES if route.operation is not None and route.operation.scope and route.method != "GET"
]
STEPS: Final = ("startSession", "endSession", "cancelSession")
ASKS: Final = {"register": "patient_1"}  # who asks; else the host, who has a seat already when this comes
NEED_A_PROVIDER: Final = "calls"  # of this tag: no server here has one
LAST: Final = "deleteWebhookEndpoint"  # after what else is done to the endpoint


async def leave_traces_of_everything(http: httpx.AsyncClient, tenant: Tenant) -> Json:
    """A session on which every operation that changes something was used, by its own example; new ones find their way here."""
    there = await room(http, tenant)
    session = there.session
    [patient], guest = await there.enter("patient_2"), await there.invite()
    question = (await _made(http, tenant, f"/v1/sessions/{session['id']}/questions", {"body": "Why?"}))["id"]
    endpoint = (await _made(http, tenant, "/v1/webhook-endpoints", {"url": "https://127.0.0.1:1/"}))["id"]
    delivery = (await _made(http, tenant, f"/v1/webhook-endpoints/{endpoint}/test", None))["id"]
    for operation in sorted(CHANGES, key=lambda it: it.id == LAST):
        if operation.id not in STEPS and operation.tag != NEED_A_PROVIDER:
            registration = guest if operation.id == "linkRegistration" else patient
            whom = registration["user_id"] if operation.id == "removeParticipant" else "host_2"
            ids = {
                "user_id": whom, "registration_id": registration["id"], "question_id": question,
                "endpoint_id": endpoint, "delivery_id": delivery, "kind": "registered",
            }  # fmt: skip
            response = await _use(http, operation, tenant, session, ids)
            assert response.is_success, (operation.id, response.text)
    for step in ("start", "end"):
        assert (await tenant.step(http, session, step)).is_success
    return session


async def _use(
    http: httpx.AsyncClient, operation: Operation, tenant: Tenant, session: Json, ids: Mapping[str, str]
) -> httpx.Response:
    method, path = operation.at.split(" ")
    example = operation.body_example
    ours = {"host_id": session["host_id"], "brand_id": tenant.brand}
    body = None if example is None else {name: ours.get(name, value) for name, value in example.items()}
    path = path.format(id=session["id"], **ids)
    headers = tenant.bearer(ASKS.get(operation.id, "host_1"), scope="admin:live")
    return await http.request(method, path, json=body, headers=headers)


async def _made(http: httpx.AsyncClient, tenant: Tenant, path: str, body: Json | None) -> Json:
    """What other operations are used on."""
    response = await http.post(path, json=body, headers=tenant.bearer(scope="manage:live"))
    assert response.is_success, response.text
    made: Json = response.json()
    return made

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


NEED_A_PROVIDER = {"calls", "webhooks"}  # which the previous release knows nothing of: no server here has one


async def leave_traces_of_everything(http: httpx.AsyncClient, tenant: Tenant) -> Json:
    """A session on which every operation that changes something was used, by its own example; new ones find their way here."""
    there = await room(http, tenant)
    session = there.session
    [patient], guest = await there.enter("patient_2"), await there.invite()
    question = await _asked(http, tenant, session)
    for operation in CHANGES:
        if operation.id not in STEPS and operation.tag not in NEED_A_PROVIDER:
            registration = guest if operation.id == "linkRegistration" else patient
            whom = registration["user_id"] if operation.id == "removeParticipant" else "host_2"
            ids = {"user_id": whom, "registration_id": registration["id"], "question_id": question["id"]}
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


async def _asked(http: httpx.AsyncClient, tenant: Tenant, session: Json) -> Json:
    """What the other operations of questions are used on."""
    response = await http.post(f"/v1/sessions/{session['id']}/questions", json={"body": "Why?"}, headers=tenant.bearer())
    assert response.is_success, response.text
    question: Json = response.json()
    return question

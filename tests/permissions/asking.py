"""How any operation is asked for: by its own example, of a session that is there."""

from datetime import timedelta
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

import httpx
from msgspec import Struct

from greenroom.app import ROUTES
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.http.operation import Operation
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.webhooks.signing import SecretBox
from tests.permissions.table import ALLOWS, EVERYBODY, TABLE, Role
from tests.planted import hold_together
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
NAMING: Final = ("{id}", "{endpoint_id}")  # in the paths of what belongs to a brand: a session, or an endpoint of webhooks
OF_SOMETHING: Final = sorted(
    name for name, operation in OPERATIONS.items() if any(parameter in operation.at for parameter in NAMING)
)

# Somebody with a seat; a guest whom they registered; and somebody whom a host has removed.
REGISTER: Final = """
insert into registrations (brand_id, id, session_id, user_id, guest_email, role, status, position, capacity_at_admission,
                           admission, registered_at, registered_by, cancelled_at, removed_at)
values ($1, $4, $2, $3, null, 'participant', 'registered', 1, 100, 1, now(), $3, null, null),
       ($1, $5, $2, 'guest:' || $5::uuid, 'guest@example.com', 'guest', 'registered', 2, 100, 2, now(), $3, null, null),
       ($1, $6, $2, 'removed_1', null, 'participant', 'cancelled', 3, 100, 3, now(), 'removed_1', now(), now())
"""
SEAT: Final = """
update sessions set registered_count = 2, next_position = 4, next_admission = 4, co_host_ids = array[$3]
where brand_id = $1 and id = $2
"""
CALL: Final = """
insert into calls (brand_id, id, session_id, provider, call_type, records, made_at, created_at, updated_at, due_at)
values ($1, $2, $2, 'getstream', 'default', false, now(), now(), now(), 'infinity')
"""
# A question of somebody with a seat, which the host has let through.
QUESTION: Final = """
select (ask_question_v1($1, $2, $3, 'Why?', 5, $4, false, 'test', 'planted', gen_random_uuid(), null, null, null)).outcome,
    (moderate_question_v1($1, $2, $3, 'approved', $5, false, 'test', 'planted', gen_random_uuid(), gen_random_uuid())).outcome
"""
# Somebody who is reached by mail, in the brand and in the other one, whose own contacts each of them sees.
CONTACT: Final = """
insert into contacts (brand_id, user_id, id, email, updated_at)
select b.brand_id, 'somebody', gen_random_uuid(), 'somebody@example.com', now() from unnest($1::text[]) as b (brand_id)
on conflict do nothing
"""
# An endpoint of webhooks, where nobody listens, and a delivery that has failed.
ENDPOINT: Final = """
insert into webhook_endpoints (brand_id, id, url, events, secret, since_position, created_at, updated_at)
values ($1, $2, $3, '{live.recording.}', $4, 0, now(), now())
"""
DELIVERY: Final = """
insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, name, body, state, created_at)
values ($1, $2, $3, $2, 'greenroom.test.v1', '{}', 'failed', now())
"""
URL: Final = "https://127.0.0.1:1/hook"
SECRET: Final = SecretBox([SECRET_KEY]).close("whsec_c2VjcmV0")
ANSWERED: Final = "answered"  # what becomes of it, where the document's example would change nothing
ENDLESS: Final = "watchSession"  # whose answer goes on: that it begins is enough
NAMED: Final = {"linkRegistration": "guest", "allowRegistration": "removed"}  # of those; else who has a seat


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
    role: Role = "registered" if TABLE[name].roles == EVERYBODY else "host"  # whoever has most to find there
    of_another = [Asker(scope=scope, role=role, brand=other) for scope in able]
    return [*of_another, Asker(scope="admin:*", role=role, brand=None, names=other)]


async def session_for(http: httpx.AsyncClient, owner: Owner, tenant: Tenant, operation: str) -> Json:
    """A session that has everybody in it and a call, and is where the operation makes sense."""
    session = await tenant.session(http)
    them = [registration_of(session["id"], whose) for whose in ("registered", "guest", "removed")]
    await owner.execute(REGISTER, tenant.brand, id_of(session), USERS["registered"], *them)
    await owner.execute(SEAT, tenant.brand, id_of(session), USERS["co_host"])
    await owner.execute(CALL, tenant.brand, id_of(session))
    named = (question_of(session["id"]), USERS["registered"], USERS["host"])
    endpoint = endpoint_of(session["id"])
    await owner.execute(ENDPOINT, tenant.brand, endpoint, URL, SECRET)
    await owner.execute(DELIVERY, tenant.brand, delivery_of(session["id"]), endpoint)
    assert tuple(await owner.fetchrow(QUESTION, tenant.brand, id_of(session), *named) or ()) == ("created", "moderated")
    await owner.execute(CONTACT, [tenant.brand, f"{tenant.brand}-other"])
    await hold_together(owner, tenant.brand)
    for step in TABLE[operation].after:
        response = await tenant.step(http, session, step)
        assert response.status_code == 200, response.text
    return session


def registration_of(session_id: str | UUID, whose: str) -> UUID:
    """The id of somebody's registration for the session: known without asking, and unknown where the session is."""
    return uuid5(NAMESPACE_OID, f"{session_id} {whose}")


def question_of(session_id: str | UUID) -> UUID:
    """The id of the session's question, in the same way."""
    return uuid5(NAMESPACE_OID, f"{session_id} question")


def endpoint_of(session_id: str | UUID) -> UUID:
    """The id of the endpoint that was made with the session, in the same way."""
    return uuid5(NAMESPACE_OID, f"{session_id} endpoint")


def delivery_of(session_id: str | UUID) -> UUID:
    """The id of a delivery to it."""
    return uuid5(NAMESPACE_OID, f"{session_id} delivery")


async def ask(
    http: httpx.AsyncClient, name: str, tenant: Tenant, session_id: str | UUID, headers: dict[str, str]
) -> httpx.Response:
    """The operation's own example, of this session in this brand."""
    operation = OPERATIONS[name]
    method, path = operation.at.split(" ")
    request = http.build_request(
        method,
        path.format(
            id=session_id,
            user_id=USERS["registered"] if name == "removeParticipant" else "somebody",
            registration_id=registration_of(session_id, NAMED.get(name, "registered")),
            question_id=question_of(session_id),
            kind="moved",
            endpoint_id=endpoint_of(session_id),
            delivery_id=delivery_of(session_id),
        ),
        json=body_of(operation, tenant),
        headers=headers,
    )
    response = await http.send(request, stream=name == ENDLESS)
    if name == ENDLESS:
        await (response.aclose() if response.is_success else response.aread())
    return response


def body_of(operation: Operation, tenant: Tenant) -> Any:
    """The example that the document shows, where the example's people are ours."""
    example = operation.body_example
    ours = {
        "brand_id": tenant.brand,
        "user_id": USERS["registered"],
        "url": URL,
        **dict.fromkeys(("host_id", "host_user_id"), USERS["host"]),
        **({"status": ANSWERED} if operation.id == "moderateQuestion" else {}),
    }
    return None if example is None else {name: ours.get(name, value) for name, value in example.items()}

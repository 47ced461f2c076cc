"""The SQL of webhooks. The functions called here are in migrations/0015_webhooks.sql; what the workers do is of every brand."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database, Row
from greenroom.kit.idempotency import IdempotencyKey
from greenroom.kit.ids import BrandId, RequestId
from greenroom.webhooks.kept import KeptDelivery, KeptEndpoint
from greenroom.webhooks.schemas import DeliveryError, DeliveryState, EndpointStatus

ENDPOINT_COLUMNS = ", ".join(f"a.{name}" for name in KeptEndpoint.__struct_fields__)
DELIVERY_COLUMNS = ", ".join(f"d.{name}" for name in KeptDelivery.__struct_fields__)

CREATE = "select * from create_webhook_endpoint_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"

CHANGE = "select * from change_webhook_endpoint_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

DELETE = "select delete_webhook_endpoint_v1($1, $2, $3, $4, $5) as outcome"

ROTATE = "select * from rotate_webhook_secret_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

TEST = "select * from test_webhook_endpoint_v1($1, $2, $3, $4, $5, $6, $7, $8)"

REDELIVER = "select * from redeliver_webhook_v1($1, $2, $3, $4, $5, $6)"

ENDPOINT = f"""
select {ENDPOINT_COLUMNS} from webhook_endpoints w cross join lateral webhook_endpoint_answer_v1('found', w) a
where w.brand_id = $1 and w.id = $2 and w.status <> 'deleted'
"""  # noqa: S608  # names of ours

ENDPOINTS = f"""
select {ENDPOINT_COLUMNS} from webhook_endpoints w cross join lateral webhook_endpoint_answer_v1('found', w) a
where w.brand_id = $1 and w.id > $2 and w.status <> 'deleted' order by w.id limit $3
"""  # noqa: S608  # names of ours

# A row without a delivery says that there is the endpoint.
DELIVERIES = f"""
select d.* from webhook_endpoints w left join lateral (
    select {DELIVERY_COLUMNS} from webhook_deliveries d
    where d.brand_id = $1 and d.endpoint_id = $2 and d.number < $3 order by d.number desc limit $4
) d on true where w.brand_id = $1 and w.id = $2 and w.status <> 'deleted'
"""  # noqa: S608  # names of ours

DELIVERIES_IN_STATE = DELIVERIES.replace("order by", "and d.state = $5 order by")

BEGIN_ANY_BRAND = "select begin_webhooks_any_brand_v1() as is_wanted"

PLAN_ANY_BRAND = "select planned, reached from plan_deliveries_any_brand_v1($1, $2, $3)"

CLAIM_ANY_BRAND = "select * from claim_webhook_endpoints_any_brand_v1($1, $2, $3, $4, $5, $6, $7)"

NOTE_ANY_BRAND = """
select * from note_webhook_attempts_any_brand_v1(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""

FORGET_ANY_BRAND = "select forget_deliveries_any_brand_v1($1, $2) as gone"

SWEEP_ANY_BRAND = "select sweep_webhooks_any_brand_v1($1, $2) as swept"

FAILING_ANY_BRAND = "select count(*) as failing from webhook_endpoints where status = 'enabled' and failing_since is not null"


class Outcome(Struct, frozen=True):
    """How it went, and the endpoint, when there is one to show."""

    how: str
    endpoint: KeptEndpoint | None


class Queued(Struct, frozen=True):
    """How it went, and the delivery, when there is one to show."""

    how: str
    delivery: KeptDelivery | None


class Change(Struct, frozen=True, kw_only=True):
    """What to change; None was not sent."""

    url: str | None
    has_description: bool
    description: str | None
    events: list[str] | None
    status: EndpointStatus | None


class Due(Struct, frozen=True, gc=False):
    """A delivery that is due. Times are the database's text; `data` is None where its event is no longer kept."""

    id: UUID
    event_id: UUID
    name: str
    occurred_at: str
    told_at: str
    data: str | None
    attempts: int


class Claim(Struct, frozen=True, kw_only=True):
    """An endpoint that is ours to work for, with what is due. The secrets are encrypted."""

    brand: str
    endpoint: UUID
    url: str
    secret: str
    previous_secret: str | None
    due: list[Due]


class Made(Struct, frozen=True, kw_only=True):
    """An attempt that was made of a delivery: `ago` in seconds, `wait` until the next one, None after the last."""

    delivery: UUID
    attempts: int
    outcome: str
    status: int | None
    error: DeliveryError | None
    ms: int
    ago: float
    wait: float | None


class Round(Struct, frozen=True, kw_only=True):
    """What came of a claim. `event_id`: of the event that tells that the endpoint is disabled, if it is."""

    brand: str
    endpoint: UUID
    event_id: UUID
    is_slow: bool
    made: list[Made]


class Noted(Struct, frozen=True):
    """An endpoint that was disabled, and why; or, without a reason, one that has more to do at once."""

    brand: str
    endpoint: UUID
    reason: str | None


async def create(
    db: Database, brand: BrandId, by: Caller, *, id: UUID, url: str, description: str | None, events: Sequence[str],
    secret: str, most: int, request_id: RequestId, key: IdempotencyKey | None,
) -> Outcome:  # fmt: skip
    """created | at_capacity | not_found | replayed | key_in_progress | key_mismatch."""
    row = await db.row(
        CREATE, brand, id, url, description, list(events), secret, most, by.user, by.client, request_id, *_claim(key)
    )
    return _outcome(row)


async def change(db: Database, brand: BrandId, id: UUID, by: Caller, it: Change, *, request_id: RequestId) -> Outcome:
    """changed | unchanged | not_found."""
    row = await db.row(
        CHANGE, brand, id, it.url, it.has_description, it.description, it.events, it.status, by.user, by.client, request_id
    )
    return _outcome(row)


async def delete(db: Database, brand: BrandId, id: UUID, by: Caller, *, request_id: RequestId) -> str:
    """deleted | not_found."""
    row = await db.row(DELETE, brand, id, by.user, by.client, request_id)
    return "not_found" if row is None else str(row["outcome"])


async def rotate(
    db: Database, brand: BrandId, id: UUID, by: Caller, *, secret: str, overlap: timedelta, request_id: RequestId,
    key: IdempotencyKey | None,
) -> Outcome:  # fmt: skip
    """rotated | not_found | replayed | key_in_progress | key_mismatch."""
    return _outcome(await db.row(ROTATE, brand, id, secret, overlap, by.user, by.client, request_id, *_claim(key)))


async def test(
    db: Database, brand: BrandId, id: UUID, *, delivery: UUID, event_id: UUID, name: str, key: IdempotencyKey | None
) -> Queued:
    """queued | disabled | not_found | replayed | key_in_progress | key_mismatch."""
    return _queued(await db.row(TEST, brand, id, delivery, event_id, name, *_claim(key)))


async def redeliver(db: Database, brand: BrandId, id: UUID, delivery: UUID, *, key: IdempotencyKey | None) -> Queued:
    """queued | disabled | forgotten | no_delivery | not_found | replayed | key_in_progress | key_mismatch."""
    return _queued(await db.row(REDELIVER, brand, id, delivery, *_claim(key)))


async def endpoint(db: Database, brand: BrandId, id: UUID) -> KeptEndpoint | None:
    """The endpoint; None when there is none."""
    row = await db.row(ENDPOINT, brand, id)
    return None if row is None else KeptEndpoint(*row)


async def endpoints(db: Database, brand: BrandId, *, after: UUID, most: int) -> list[KeptEndpoint]:
    """The endpoints after one, in the order in which they were made."""
    return [KeptEndpoint(*row) for row in await db.rows(ENDPOINTS, brand, after, most)]


async def deliveries(
    db: Database, brand: BrandId, id: UUID, *, state: DeliveryState | None, before: int, most: int
) -> list[KeptDelivery] | None:
    """The deliveries before one, the latest first; None when there is no such endpoint."""
    wanted = (DELIVERIES,) if state is None else (DELIVERIES_IN_STATE,)
    rows = await db.rows(*wanted, brand, id, before, most, *([] if state is None else [state]))
    return [KeptDelivery(*row) for row in rows if row[0] is not None] if rows else None


async def begin_any_brand(db: Database) -> bool:
    """Whether anybody has an endpoint; the sink begins where the first of them does. Raises Unavailable."""
    row = await db.row(BEGIN_ANY_BRAND)
    return bool(row and row["is_wanted"])


async def plan_any_brand(db: Database, after: int, until: int, *, most: int) -> tuple[int, int]:
    """Plan deliveries of events, about so many: how many are new, and up to which event. Raises Unavailable."""
    row = await db.row(PLAN_ANY_BRAND, after, until, most)
    if row is None:
        raise AssertionError("a plan always answers one row")
    return row["planned"], row["reached"]


async def claim_any_brand(
    db: Database, holder: UUID, *, lease: timedelta, is_patient: bool, most: int, each: int, share: int, busy: Sequence[str]
) -> list[Claim]:
    """Up to so many endpoints with something due, and up to so much of it of each; of a brand up to `share`, and none of those
    that are `busy`. Raises Unavailable.
    """
    claims: dict[UUID, Claim] = {}
    for row in await db.rows(CLAIM_ANY_BRAND, holder, lease, is_patient, most, each, share, list(busy)):
        brand, endpoint, url, secret, previous, delivery, *rest = row
        if endpoint not in claims:
            claims[endpoint] = Claim(brand=brand, endpoint=endpoint, url=url, secret=secret, previous_secret=previous, due=[])
        if delivery is not None:
            claims[endpoint].due.append(Due(delivery, *rest))
    return list(claims.values())


async def note_any_brand(
    db: Database, holder: UUID, rounds: Sequence[Round], *, patience: timedelta, request_id: RequestId
) -> list[Noted]:
    """Note what came of claims, and let go of them; answers where something follows from it. Raises Unavailable."""
    made = [(one.brand, one.endpoint, it) for one in rounds for it in one.made]
    rows = await db.rows(
        NOTE_ANY_BRAND, holder,
        [one.brand for one in rounds], [one.endpoint for one in rounds], [one.event_id for one in rounds],
        [one.is_slow for one in rounds],
        [brand for brand, _, _ in made], [endpoint for _, endpoint, _ in made],
        [it.delivery for *_, it in made], [it.attempts for *_, it in made], [it.outcome for *_, it in made],
        [it.status for *_, it in made], [it.error for *_, it in made], [it.ms for *_, it in made],
        [it.ago for *_, it in made], [it.wait for *_, it in made], patience, request_id,
    )  # fmt: skip
    return [Noted(*row) for row in rows]


async def forget_any_brand(db: Database, *, most: int, age: timedelta) -> int:
    """Forget up to so many deliveries that are over and older; answers how many. Raises Unavailable."""
    row = await db.row(FORGET_ANY_BRAND, most, age)
    return 0 if row is None else int(row["gone"])


async def sweep_any_brand(db: Database, *, most: int, patience: timedelta) -> int:
    """Finish what is left of endpoints that are over, and what is pending for longer than is waited, up to so much; answers
    how much. Raises Unavailable.
    """
    row = await db.row(SWEEP_ANY_BRAND, most, patience)
    return 0 if row is None else int(row["swept"])


async def failing_any_brand(db: Database) -> int:
    """How many endpoints fail. Raises Unavailable."""
    row = await db.row(FAILING_ANY_BRAND)
    return 0 if row is None else int(row["failing"])


def _claim(key: IdempotencyKey | None) -> tuple[bytes | None, int | None, bytes | None]:
    return (None, None, None) if key is None else (key.scope, key.lock, key.body_hash)


def _outcome(row: Row | None) -> Outcome:
    if row is None:
        raise AssertionError("a function of endpoints always answers one row")
    how, *columns = row
    return Outcome(how, None if columns[0] is None else KeptEndpoint(*columns))


def _queued(row: Row | None) -> Queued:
    if row is None:
        raise AssertionError("a function of deliveries always answers one row")
    how, *columns = row
    return Queued(how, None if columns[0] is None else KeptDelivery(*columns))

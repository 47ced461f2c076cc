"""A brand's endpoints as the tests of their pages make and read them."""

from uuid import UUID, uuid4

from tests.postgres import Owner
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Page, Visitor
from tests.webhooks.asking import Manager

PATH = "/host/webhooks"
MANAGE = "manage:live"
HOSTILE = '"><script>alert(1)</script>{{ 7 * 7 }}'

PLANT = """
insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, position, name, state, attempts, next_at, last_attempt_at,
                                last_status, last_error, last_ms, delivered_at, created_at)
values ($1, $2, $3, gen_random_uuid(), $4, $5, $6::text, 3,
        case when $6 = 'pending' then now() + interval '2 hours 1 minute' end, now(),
        $7, $8, 38, case when $6 = 'delivered' then now() end, now())
"""
DISABLED = "update webhook_endpoints set status = 'disabled', disabled_reason = $2, failing_since = now() where id = $1"


def at(endpoint: Json, verb: str = "") -> str:
    return f"{PATH}/{endpoint['id']}{verb}"


async def listed(api: Manager) -> list[Json]:
    found: list[Json] = (await api.ask("GET")).json()["webhook_endpoints"]
    return found


async def planted(
    owner: Owner, tenant: Tenant, endpoint: Json, *, state: str, position: int = 1, status: int | None = None,
    error: str | None = None, name: str = "live.session.updated.v1",
) -> str:  # fmt: skip
    made = uuid4()
    await owner.execute(PLANT, tenant.brand, made, UUID(endpoint["id"]), position, name, state, status, error)
    return str(made)


def row_of(page: Page, delivery: str) -> list[str]:
    cells = page.all(f'[data-delivery="{delivery}"] th, [data-delivery="{delivery}"] td')
    return [" ".join(cell.get_text(" ").split()) for cell in cells]


def alert_of(page: Page) -> str:
    return page.one("[role=alert]").get_text(" ", strip=True)


async def csrf_of(visitor: Visitor) -> str:
    return (await visitor.get("/signin")).form("/signout")["csrf"]


async def deliveries_of(api: Manager, endpoint: Json) -> list[Json]:
    found: list[Json] = (await api.ask("GET", f"/{endpoint['id']}/deliveries")).json()["deliveries"]
    return found

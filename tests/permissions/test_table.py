"""For every operation and every scope, role and brand: the answer is what the table says."""

from itertools import product

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.permissions.asking import OF_SOMETHING, OPERATIONS, Asker, ask, session_for
from tests.permissions.table import ALLOWS, MANAGING, ROLES, TABLE, Rule
from tests.postgres import Owner
from tests.tenant import Tenant
from tests.wire import id_of

STATE = """
select s::text, (select count(*) from sessions where brand_id = $1),
    (select array_agg(r::text order by r.id) from registrations r where r.brand_id = $1 and r.session_id = $2),
    (select array_agg(q::text order by q.id) from questions q where q.brand_id = $1 and q.session_id = $2),
    (select array_agg(v::text order by v.question_id, v.user_id) from votes v where v.brand_id = $1),
    (select array_agg(w::text order by w.id) from webhook_endpoints w where w.brand_id = $1)
from sessions s where brand_id = $1 and id = $2
"""


def askers(tenant: Tenant) -> list[Asker]:
    """Everybody: nobody with a token, and every scope with every role, with a brand of its own, another and none."""
    own, other = tenant.brand, BrandId(f"{tenant.brand}-other")
    brands = [(own, None), (own, own), (own, other), (other, None), (None, None), (None, own), (None, other)]
    with_token = [
        Asker(scope=scope, role=role, brand=brand, names=names)
        for scope, role, (brand, names) in product(ALLOWS, ROLES, brands)
    ]
    return [Asker(scope=None, brand=None), Asker(scope=None, brand=None, names=own), *with_token]


def answer_by_the_table(name: str, rule: Rule, asker: Asker, tenant: Tenant) -> str:
    """What the table and the order of answers make of it: an error's code, or "done"."""
    acts_in = asker.brand or asker.names
    is_confined = asker.brand is None or asker.names in {None, asker.brand}
    is_ours = acts_in in {None, tenant.brand}
    names_ours = name == "createSession"  # in its body; what names no session is otherwise about the asker's own brand
    may = asker.scope in MANAGING or asker.role in rule.roles
    refusals = {
        "unauthenticated": asker.scope is None,
        "insufficient_scope": asker.scope is not None and rule.scope not in ALLOWS[asker.scope],
        "forbidden": (asker.brand is None and asker.scope != "admin:*") or not is_confined or (names_ours and not is_ours),
        "validation_error": acts_in is None and rule.asks_for_brand,
        "not_found": not is_ours and name in OF_SOMETHING,
    }
    first = next((error for error, holds in refusals.items() if holds), None)
    if first is None and not is_ours:
        return "done" if may else "forbidden"
    return first or (rule.told.get(asker.role, "done") if may else "forbidden")


def test_the_table_knows_every_operation_and_no_other() -> None:
    assert set(TABLE) == set(OPERATIONS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
async def test_the_answer_is_what_the_table_says(http: httpx.AsyncClient, owner: Owner, tenant: Tenant, name: str) -> None:
    session = await session_for(http, owner, tenant, name)
    before = await owner.fetchrow(STATE, tenant.brand, id_of(session))
    wrong = []
    for asker in askers(tenant):
        expected = answer_by_the_table(name, TABLE[name], asker, tenant)
        response = await ask(http, name, tenant, session["id"], asker.headers(tenant.brand))
        answered = "done" if response.is_success else response.json()["error"]
        after = await owner.fetchrow(STATE, tenant.brand, id_of(session))
        if answered != expected or (expected != "done" and after != before):
            wrong.append((asker, expected, answered, after == before))
        if answered == "done" and after != before:
            session = await session_for(http, owner, tenant, name)
            before = await owner.fetchrow(STATE, tenant.brand, id_of(session))
    assert not wrong, f"{len(wrong)} answers, the first of them: {wrong[:5]}"

"""Registrations that a test has planted as rows: what `greenroom check` asks of a database then holds of them, too."""

from greenroom.kit.ids import BrandId
from tests.postgres import Owner

AUDITED = """
insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed, actor_user_id, actor_client_id,
    request_id, occurred_at)
select r.brand_id, 'registration', r.id, change, 'registration.created', '{}', r.user_id, 'test', 'planted', r.registered_at
from registrations r cross join lateral generate_series(1, r.version) change
where r.brand_id = $1 on conflict do nothing
"""
TOLD = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), 'live.registration.created.v1', r.brand_id, r.session_id, 1, r.registered_at, jsonb_build_object(
    'session_id', r.session_id, 'registration_id', r.id, 'version', change, 'user_id', r.user_id, 'role', r.role,
    'position', r.position, 'registered_at', wire_time_v1(r.registered_at))
from registrations r cross join lateral generate_series(1, r.version) change
where r.brand_id = $1 and not exists (
    select from all_events_any_brand_v1() e
    where e.brand_id = $1 and e.session_id = r.session_id and e.payload ->> 'registration_id' = r.id::text)
"""
COUNTED = """
update sessions s set waitlist_count = seen.waiting
from (select session_id, count(*) filter (where status = 'waitlist') as waiting from registrations where brand_id = $1
      group by session_id) seen
where s.brand_id = $1 and s.id = seen.session_id and s.waitlist_count <> seen.waiting
"""


async def hold_together(owner: Owner, brand: BrandId | str) -> None:
    """Give the brand's planted registrations their audit rows and events, and its sessions their count of who waits."""
    for statement in (AUDITED, TOLD, COUNTED):
        await owner.execute(statement, brand)

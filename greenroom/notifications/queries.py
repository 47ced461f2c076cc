"""The SQL of mail. The functions are in migrations/0016_notifications.sql; the program's own work crosses brands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, RequestId, UserId, new_id

KEEP_CONTACT = "select * from keep_contact_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

ERASE_CONTACT = "select erase_contact_v1($1, $2, $3, $4, $5) as outcome"

CONTACT = """
select c.email, c.time_zone, c.updated_at,
    (select m.reason from mail_stops m where m.brand_id = $1 and m.address = mail_address_v1($1, c.email)) as stopped
from contacts c where c.brand_id = $1 and c.user_id = $2
"""

KEEP_TEMPLATE = "select * from keep_mail_template_v1($1, $2, $3, $4, $5, $6, $7, $8, $9)"

ERASE_TEMPLATE = "select erase_mail_template_v1($1, $2, $3, $4, $5) as outcome"

TEMPLATES = """
select t.kind, t.subject, t.text, t.html, t.updated_at from mail_templates t where t.brand_id = $1 order by t.kind
"""

TEMPLATE = "select t.id, t.version, t.subject, t.text, t.html from mail_templates t where t.brand_id = $1 and t.kind = $2"

STOP = "select stop_mail_v1($1, $2)"

PLAN_ANY_BRAND = "select plan_messages_any_brand_v1($1, $2, $3, $4, $5, $6, $7, $8)"

WRITE_ANY_BRAND = "select write_messages_any_brand_v1($1) as people"

CLAIM_ANY_BRAND = "select * from claim_messages_any_brand_v1($1, $2, $3, $4, $5, $6)"

SETTLE_ANY_BRAND = "select settle_messages_any_brand_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as settled"

FORGET_ANY_BRAND = "select forget_messages_any_brand_v1($1, $2) as gone"

# A look at what is due: the rest of the index is the future.
OVERDUE_ANY_BRAND = """
select extract(epoch from clock_timestamp() - min(m.due_at))::float8 as oldest
from messages m where m.state = 'pending' and m.due_at <= clock_timestamp()
"""


class KeptContact(Struct, frozen=True):
    """Where somebody is reached. Times are the database's text."""

    email: str
    time_zone: str | None
    updated_at: str
    stopped: str | None


class ContactToKeep(Struct, frozen=True, kw_only=True):
    """What is said of somebody.

    `keeps_zone`: no zone leaves the one that is known; `lifts`: an address that bounced is good again.
    """

    user: UserId
    email: str
    time_zone: str | None
    keeps_zone: bool
    lifts: bool


class TemplateToKeep(Struct, frozen=True, kw_only=True):
    """What a brand says from now on."""

    kind: str
    subject: str
    text: str
    html: str


class KeptTemplate(Struct, frozen=True):
    """A brand's own words."""

    kind: str
    subject: str
    text: str
    html: str
    updated_at: str


class StoredTemplate(Struct, frozen=True):
    """The same, as they are rendered; each change has another id and version."""

    id: UUID
    version: int
    subject: str
    text: str
    html: str


class Planned(Struct, frozen=True, kw_only=True, gc=False):
    """What an event asks to be told: to one person, or (`registration` is None) to everybody of a session."""

    position: int
    brand: str
    session: UUID
    registration: UUID | None
    kind: str
    version: int | None = None
    old_scheduled_at: str | None = None
    scheduled_at: str | None = None


class Claimed(Struct, frozen=True, gc=False):
    """A message that is ours for a while, with what it would say; `why` says that it is not sent.

    Times are the database's text.
    """

    brand_id: str
    id: UUID
    registration_id: UUID
    session_id: UUID
    kind: str
    session_version: int
    attempts: int
    created_at: str
    why: str | None
    user_id: str | None
    is_guest: bool | None
    is_waiting: bool | None
    email: str | None
    time_zone: str | None
    title: str | None
    description: str | None
    scheduled_at: str | None
    old_scheduled_at: str | None
    duration_minutes: int | None
    recording_url: str | None
    sequence: int | None
    changed_at: str | None
    template_id: UUID | None
    template_version: int | None


class Settled(Struct, frozen=True, kw_only=True, gc=False):
    """What became of a message: sent | bounced | failed | deferred | unsure | released; and the event of it, as JSON."""

    brand_id: str
    id: UUID
    outcome: str
    why: str | None = None
    pause: timedelta | None = None
    email: str | None = None
    event: str | None = None
    payload: str | None = None


async def keep_contact(db: Database, brand: BrandId, it: ContactToKeep, by: Caller, *, request_id: RequestId) -> KeptContact:
    """Who is reached where, from now on. Raises Unavailable."""
    row = await db.row(
        KEEP_CONTACT, brand, it.user, new_id(), it.email, it.time_zone, it.keeps_zone, it.lifts, by.user, by.client, request_id
    )
    if row is None:
        raise AssertionError("keep_contact_v1 always answers one row")
    return KeptContact(row["email"], row["time_zone"], row["updated_at"], row["stopped"])


async def contact(db: Database, brand: BrandId, user: UserId) -> KeptContact | None:
    """Where somebody is reached. Raises Unavailable."""
    row = await db.row(CONTACT, brand, user)
    return None if row is None else KeptContact(*row)


async def erase_contact(db: Database, brand: BrandId, user: UserId, by: Caller, *, request_id: RequestId) -> None:
    """Nothing is known of where somebody is reached. Twice is once. Raises Unavailable."""
    await db.row(ERASE_CONTACT, brand, user, by.user, by.client, request_id)


async def keep_template(db: Database, brand: BrandId, it: TemplateToKeep, by: Caller, *, request_id: RequestId) -> str:
    """When it was changed last. Raises Unavailable."""
    row = await db.row(KEEP_TEMPLATE, brand, it.kind, new_id(), it.subject, it.text, it.html, by.user, by.client, request_id)
    if row is None:
        raise AssertionError("keep_mail_template_v1 always answers one row")
    return str(row["updated_at"])


async def erase_template(db: Database, brand: BrandId, kind: str, by: Caller, *, request_id: RequestId) -> None:
    """The program's own words again. Twice is once. Raises Unavailable."""
    await db.row(ERASE_TEMPLATE, brand, kind, by.user, by.client, request_id)


async def templates(db: Database, brand: BrandId) -> list[KeptTemplate]:
    """The brand's own. Raises Unavailable."""
    return [KeptTemplate(*row) for row in await db.rows(TEMPLATES, brand)]


async def template(db: Database, brand: str, kind: str) -> StoredTemplate | None:
    """The brand's own of one kind. Raises Unavailable."""
    row = await db.row(TEMPLATE, brand, kind)
    return None if row is None else StoredTemplate(*row)


async def stop(db: Database, brand: BrandId, email: str) -> None:
    """Send nothing there any more. Twice is once. Raises Unavailable."""
    await db.row(STOP, brand, email)


async def plan_any_brand(db: Database, planned: Sequence[Planned]) -> None:
    """Write down what is to be told; what was written before is not written twice. Raises Unavailable."""
    columns = zip(
        *(
            (it.position, it.brand, it.session, it.registration, it.kind, it.version, it.old_scheduled_at, it.scheduled_at)
            for it in planned
        ),
        strict=True,
    )
    await db.row(PLAN_ANY_BRAND, *columns)


async def write_any_brand(db: Database, *, most: int) -> int | None:
    """How many people of a round were looked at; None where there is no round. Raises Unavailable."""
    row = await db.row(WRITE_ANY_BRAND, most)
    return None if row is None else row["people"]


async def claim_any_brand(
    db: Database, holder: UUID, *, most: int, lease: timedelta, patience: timedelta, needs_address: bool, now: datetime | None
) -> list[Claimed]:
    """Messages that are due, judged. Raises Unavailable."""
    return [Claimed(*row) for row in await db.rows(CLAIM_ANY_BRAND, holder, most, lease, patience, needs_address, now)]


async def settle_any_brand(db: Database, holder: UUID, settled: Sequence[Settled], *, now: datetime | None) -> int:
    """How many it was for us to say. Raises Unavailable."""
    columns = zip(
        *(
            (it.brand_id, it.id, it.outcome, it.why, it.pause, it.email, new_id() if it.payload else None, it.event, it.payload)
            for it in settled
        ),
        strict=True,
    )
    row = await db.row(SETTLE_ANY_BRAND, holder, *columns, now)
    return 0 if row is None else int(row["settled"])


async def forget_any_brand(db: Database, *, most: int, age: timedelta) -> int:
    """Forget up to so many that came to an end and are older; answers how many. Raises Unavailable."""
    row = await db.row(FORGET_ANY_BRAND, most, age)
    return 0 if row is None else int(row["gone"])


async def overdue_any_brand(db: Database) -> float:
    """For how many seconds the oldest message that is due has waited. Raises Unavailable."""
    row = await db.row(OVERDUE_ANY_BRAND)
    return 0.0 if row is None else float(row["oldest"] or 0.0)

"""The SQL of tokens. A token without a brand is the operator's, so these statements are the operator's too."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.identity.invitation import Invitation
from greenroom.identity.tokens import TokenGrant
from greenroom.kit.database import Database

KEEP = """
insert into tokens (id, brand_id, user_id, client_id, scope, issued_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""

REVOKE_ANY_BRAND = "update tokens set revoked_at = coalesce(revoked_at, now()) where id = $1 returning id"

EXTEND_ANY_BRAND = """
update tokens set expires_at = greatest(expires_at, least($2, issued_at + $3::interval))
where id = $1 and revoked_at is null and expires_at > now()
returning expires_at
"""

LIST_ANY_BRAND = """
select id, brand_id as brand, user_id as user, client_id as client, scope, issued_at, expires_at, revoked_at
from tokens where expires_at > now() order by id
"""

REVOKED_ANY_BRAND = "select id from tokens where revoked_at is not null and expires_at > now()"

# Those that have long expired go when the next one is made.
KEEP_LINK_ANY_BRAND = """
with gone as (
    delete from sign_in_links where expires_at < clock_timestamp() - interval '1 day'
)
insert into sign_in_links (code_hash, brand_id, user_id, scope, email, time_zone, leads_to, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

INVITATION_ANY_BRAND = """
select brand_id as brand, user_id as user, scope, leads_to, email, time_zone from sign_in_links
where code_hash = $1 and used_at is null and expires_at > clock_timestamp()
"""

# The link is used up and the token is kept together, or neither.
USE_LINK_ANY_BRAND = """
with used as (
    update sign_in_links set used_at = clock_timestamp()
    where code_hash = $1 and used_at is null and expires_at > clock_timestamp()
    returning code_hash
)
insert into tokens (id, brand_id, user_id, client_id, scope, issued_at, expires_at)
select $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::timestamptz, $8::timestamptz from used
returning id
"""


class KeptToken(Struct, frozen=True, kw_only=True):
    """A token that was minted and has not expired."""

    id: UUID
    brand: str | None
    user: str
    client: str
    scope: str
    issued_at: str
    expires_at: str
    revoked_at: str | None


async def keep(db: Database, grant: TokenGrant) -> None:
    """Remember that the token was minted."""
    await db.row(KEEP, grant.id, grant.brand, grant.user, grant.client, grant.scope, grant.issued_at, grant.expires_at)


async def extend_any_brand(db: Database, token_id: UUID, *, until: datetime, most: timedelta) -> datetime | None:
    """Let it be good until then, for `most` in all at most; answers until when. None for one that is good no longer."""
    row = await db.row(EXTEND_ANY_BRAND, token_id, until, most)
    return None if row is None else datetime.fromisoformat(row["expires_at"])


async def revoke_any_brand(db: Database, token_id: UUID) -> bool:
    """Refuse the token from now on; False when there is none."""
    return await db.row(REVOKE_ANY_BRAND, token_id) is not None


async def list_any_brand(db: Database) -> Sequence[KeptToken]:
    """Every token that has not expired, the oldest first."""
    return [msgspec.convert(dict(row), KeptToken) for row in await db.rows(LIST_ANY_BRAND)]


async def revoked_any_brand(db: Database) -> frozenset[UUID]:
    """Every token that was revoked before it expired."""
    return frozenset(row["id"] for row in await db.rows(REVOKED_ANY_BRAND))


async def keep_link_any_brand(db: Database, code_hash: bytes, invitation: Invitation, *, expires_at: datetime) -> None:
    """Remember a link by the hash of its code."""
    await db.row(
        KEEP_LINK_ANY_BRAND, code_hash, invitation.brand, invitation.user, invitation.scope, invitation.email,
        invitation.time_zone, invitation.leads_to, expires_at,
    )  # fmt: skip


async def invitation_any_brand(db: Database, code_hash: bytes) -> Invitation | None:
    """Whom a link would sign in; None for one that is good no longer."""
    row = await db.row(INVITATION_ANY_BRAND, code_hash)
    return None if row is None else msgspec.convert(dict(row), Invitation)


async def use_link_any_brand(db: Database, code_hash: bytes, grant: TokenGrant) -> bool:
    """Use the link up, and remember the token; False where somebody was quicker."""
    used = await db.row(
        USE_LINK_ANY_BRAND, code_hash, grant.id, grant.brand, grant.user, grant.client, grant.scope, grant.issued_at,
        grant.expires_at,
    )  # fmt: skip
    return used is not None

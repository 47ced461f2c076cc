"""Tokens: mint, list, revoke, and let every worker know."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from greenroom.identity import queries
from greenroom.identity.queries import KeptToken
from greenroom.identity.tokens import LocalTokens, Signer, new_grant
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, ClientId, UserId


async def mint(
    db: Database,
    signer: Signer,
    *,
    user: UserId,
    brand: BrandId | None,
    scope: str,
    client: ClientId,
    lifetime: timedelta,
    email: str | None = None,
    time_zone: str | None = None,
) -> str:
    """A new token; what it says is kept, so that it can be listed and revoked."""
    grant = new_grant(user=user, brand=brand, scope=scope, client=client, lifetime=lifetime, email=email, time_zone=time_zone)
    await queries.keep(db, grant)
    return signer.sign(grant)


async def revoke(db: Database, token_id: UUID) -> bool:
    """Refuse the token from now on; False when there is none of this id. Workers see it within 5 s."""
    return await queries.revoke_any_brand(db, token_id)


async def minted(db: Database) -> Sequence[KeptToken]:
    """Every token that has not expired."""
    return await queries.list_any_brand(db)


async def refresh_revocations(db: Database, tokens: LocalTokens) -> None:
    """Tell the worker's token source which tokens were revoked."""
    tokens.refuse(await queries.revoked_any_brand(db))

"""How a browser is signed in: by a link that is good once, or by what an identity provider has said; and out again."""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from greenroom.identity import queries
from greenroom.identity.caller import Caller
from greenroom.identity.invitation import Invitation
from greenroom.identity.tokens import LocalTokens, Signer, TokenGrant, new_grant
from greenroom.kit.database import Database
from greenroom.kit.errors import InvalidToken
from greenroom.kit.ids import ClientId

CLIENT: Final = ClientId("pages")
LINK_LIFETIME: Final = timedelta(minutes=10)
SIGNED_IN_FOR: Final = timedelta(hours=12)
LONGEST: Final = timedelta(days=7)  # that a sign-in is extended to
PATH: Final = "/signin/link"
PARAMETER: Final = "code"
CODE_OCTETS: Final = 32

_CODE: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 octets in base64 for URLs (RFC 4648, section 5)


class SignedIn(Struct, frozen=True):
    """A browser's own token, and where it goes now."""

    token: str
    leads_to: str


class SignIn:
    """What signing in needs of a process. The token that a browser keeps is a local one, whatever GREENROOM_IDENTITY says."""

    def __init__(self, db: Database, tokens: LocalTokens, secret_keys: Sequence[str]) -> None:
        self.db = db
        self._tokens = tokens
        self._signer = Signer(secret_keys)

    async def caller(self, token: str) -> Caller | None:
        """Who is signed in with it; None where nobody is any longer, or the token is of another kind."""
        try:
            known = await self._tokens.caller(token)
        except InvalidToken:
            return None
        return known if known is not None and known.client == CLIENT and known.brand is not None else None

    async def invited(self, code: str) -> Invitation | None:
        """Whom a link would sign in. None for one that was used, has expired, or that nobody made."""
        return await queries.invitation_any_brand(self.db, _hash_of(code)) if _CODE.fullmatch(code) else None

    async def by_link(self, code: str) -> SignedIn:
        """Use the link, once. Raises InvalidToken for one that was used, has expired, or that nobody made."""
        invitation = await self.invited(code)
        if invitation is None:
            raise InvalidToken
        grant = _grant_to(invitation)
        if not await queries.use_link_any_brand(self.db, _hash_of(code), grant):
            raise InvalidToken
        return SignedIn(self._signer.sign(grant), invitation.leads_to)

    async def as_told(self, invitation: Invitation) -> SignedIn:
        """Sign in whom an identity provider has named."""
        grant = _grant_to(invitation)
        await queries.keep(self.db, grant)
        return SignedIn(self._signer.sign(grant), invitation.leads_to)

    async def extended(self, caller: Caller) -> str | None:
        """A token in place of the one that somebody is signed in with: good for as long as a new one, until a week is over.

        It is the same sign-in, by its id: what is bound to that, and signing out, stay. None where it has just ended.
        """
        if caller.token_id is None:
            return None
        grant = new_grant(
            user=caller.user,
            brand=caller.brand,
            scope=" ".join(sorted(caller.scopes)),
            client=CLIENT,
            lifetime=SIGNED_IN_FOR,
            email=caller.email,
            time_zone=caller.time_zone,
        )
        until = await queries.extend_any_brand(self.db, caller.token_id, until=grant.expires_at, most=LONGEST)
        return None if until is None else self._signer.sign(replace(grant, id=caller.token_id, expires_at=until))

    async def out(self, caller: Caller) -> None:
        """Everywhere this sign-in is used: at once in this process, in others within 5 s. Twice is once."""
        if caller.token_id is not None:
            await queries.revoke_any_brand(self.db, caller.token_id)
            self._tokens.refuse_also(caller.token_id)


async def invite(db: Database, invitation: Invitation) -> str:
    """The code of a new link, which is kept nowhere."""
    code = secrets.token_urlsafe(CODE_OCTETS)
    await queries.keep_link_any_brand(db, _hash_of(code), invitation, expires_at=datetime.now(UTC) + LINK_LIFETIME)
    return code


def _grant_to(invitation: Invitation) -> TokenGrant:
    return new_grant(
        user=invitation.user,
        brand=invitation.brand,
        scope=invitation.scope,
        client=CLIENT,
        lifetime=SIGNED_IN_FOR,
        email=invitation.email,
        time_zone=invitation.time_zone,
    )


def _hash_of(code: str) -> bytes:
    return sha256(code.encode()).digest()

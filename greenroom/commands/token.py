"""greenroom token."""

import asyncio
import re
from argparse import Namespace
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

from greenroom.commands.environment import Ready, ready, require_local_tokens, settings_or_exit
from greenroom.commands.errors import CommandError
from greenroom.identity import service, sign_in
from greenroom.identity.claims import usable_email
from greenroom.identity.invitation import Invitation
from greenroom.identity.scopes import ADMIN_ALL, READ_LIVE, SCOPES, scopes_in
from greenroom.identity.tokens import Signer
from greenroom.kit.clock import wire_text
from greenroom.kit.database import Database
from greenroom.kit.errors import GreenroomError
from greenroom.kit.ids import BrandId, ClientId, UserId, parse_id
from greenroom.notifications.composing import is_zone

T = TypeVar("T")

NAME_CHARACTERS = 200
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3660)
LOCAL = "http://127.0.0.1:8000"

_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~/?&=%-]{0,500}")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def token(arguments: Namespace) -> int:
    """Mint, list or revoke."""
    if arguments.list:
        return _with_database(lambda _, db: _list(db))
    if arguments.revoke is not None:
        return _with_database(lambda prepared, db: _revoke(prepared, db, arguments.revoke))
    wanted = _wanted(arguments)
    require_local_tokens(settings_or_exit())
    return _with_database(lambda prepared, db: (_invite if wanted.link else _mint)(prepared, db, wanted))


def lifetime_of(text: str) -> timedelta:
    """15m, 12h or 30d. Raises CommandError."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([mhd])", text)
    lifetime = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < lifetime <= LONGEST:
        raise CommandError("--expires: expected a number and m, h or d, such as 15m, 12h or 30d (at most ten years).")
    return lifetime


def _wanted(arguments: Namespace) -> Namespace:
    scopes = arguments.scope.split()
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise CommandError(f"--scope: {unknown[0]!r} is not known; expected one or more of: {', '.join(SCOPES)}.")
    if not scopes:
        raise CommandError(f"--scope: expected one or more of: {', '.join(SCOPES)}.")
    if not _is_name(arguments.user):
        raise CommandError(f"--user: expected who the token speaks for, 1 to {NAME_CHARACTERS} characters.")
    if arguments.brand is None and ADMIN_ALL not in scopes:
        raise CommandError("--brand: expected the brand that the token acts in; only admin:* may go without.")
    if arguments.brand is not None and not _is_name(arguments.brand):
        raise CommandError(f"--brand: expected 1 to {NAME_CHARACTERS} characters.")
    if not _is_name(arguments.client):
        raise CommandError(f"--client: expected 1 to {NAME_CHARACTERS} characters.")
    if arguments.link:
        _refuse_unusable_link(arguments)
    if arguments.email is not None and usable_email(arguments.email) is None:
        raise CommandError("--email: expected one e-mail address in ASCII.")
    if arguments.time_zone is not None and not is_zone(arguments.time_zone):
        raise CommandError("--time-zone: expected a time zone of the IANA database such as Europe/Berlin.")
    return Namespace(**{**vars(arguments), "scope": " ".join(scopes), "lifetime": lifetime_of(arguments.expires)})


def _refuse_unusable_link(arguments: Namespace) -> None:
    """Raises CommandError."""
    if arguments.brand is None:
        raise CommandError("--brand: expected the brand that the link signs in to.")
    if READ_LIVE not in scopes_in(arguments.scope):
        raise CommandError("--scope: expected read:live, or a scope that contains it: pages are for who may read.")
    if not _PATH.fullmatch(arguments.leads_to):
        raise CommandError("--leads-to: expected a path such as /host.")
    if arguments.at is not None and not _ADDRESS.fullmatch(arguments.at):
        raise CommandError("--at: expected where pages are, such as https://live.example.com, without a path.")


def _is_name(text: str | None) -> bool:
    return text is not None and 1 <= len(text) <= NAME_CHARACTERS and text.isprintable()


def _with_database(work: Callable[[Ready, Database], Awaitable[int]]) -> int:
    settings = settings_or_exit()

    async def run(prepared: Ready) -> int:
        db = Database(prepared.database_url, size=1, wait_seconds=5, statement_seconds=10)
        try:
            return await work(prepared, db)
        finally:
            await db.close()

    with ready(settings, migrates=False) as prepared:
        try:
            return asyncio.run(run(prepared))
        except GreenroomError as error:
            raise CommandError(error.text) from error


async def _mint(prepared: Ready, db: Database, wanted: Namespace) -> int:
    minted = await service.mint(
        db,
        Signer(prepared.settings.secret_keys),
        user=UserId(wanted.user),
        brand=None if wanted.brand is None else BrandId(wanted.brand),
        scope=wanted.scope,
        client=ClientId(wanted.client),
        lifetime=wanted.lifetime,
        email=wanted.email,
        time_zone=wanted.time_zone,
    )
    print(minted)
    return 0


async def _invite(prepared: Ready, db: Database, wanted: Namespace) -> int:
    invitation = Invitation(
        brand=BrandId(wanted.brand),
        user=UserId(wanted.user),
        scope=wanted.scope,
        leads_to=wanted.leads_to,
        email=wanted.email,
        time_zone=wanted.time_zone,
    )
    code = await sign_in.invite(db, invitation)
    print(f"{wanted.at or prepared.settings.public_url or LOCAL}{sign_in.PATH}?{urlencode({sign_in.PARAMETER: code})}")
    return 0


async def _list(db: Database) -> int:
    print(f"{'id':36}  {'user':20}  {'brand':12}  {'client':12}  {'expires':24}  scope")
    for kept in await service.minted(db):
        state = "  (revoked)" if kept.revoked_at else ""
        expires = wire_text(kept.expires_at)
        print(f"{kept.id}  {kept.user:20}  {kept.brand or '-':12}  {kept.client:12}  {expires:24}  {kept.scope}{state}")
    return 0


async def _revoke(prepared: Ready, db: Database, text: str) -> int:
    token_id = parse_id(text) or _id_in(prepared, text)
    if not await service.revoke(db, token_id):
        raise CommandError("--revoke: there is no token of this id; see: greenroom token --list")
    print(f"Revoked {token_id}. Running servers refuse it within 5 seconds.")
    return 0


def _id_in(prepared: Ready, text: str) -> UUID:
    try:
        checked = Signer(prepared.settings.secret_keys).verify(text)
    except GreenroomError:
        checked = None
    if checked is None:
        raise CommandError("--revoke: expected a token that has not expired, or a token's id from --list.")
    return checked.token_id

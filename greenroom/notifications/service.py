"""The operations of mail: contacts, a brand's templates, and asking for no more."""

from typing import cast

from msgspec import Struct, UnsetType

from greenroom.identity.caller import Caller
from greenroom.kit.clock import wire_text
from greenroom.kit.database import Database
from greenroom.kit.errors import NotFound, ValidationFailed
from greenroom.kit.ids import BrandId, RequestId, UserId
from greenroom.notifications import queries
from greenroom.notifications.composing import is_zone
from greenroom.notifications.contacts import Contacts
from greenroom.notifications.queries import ContactToKeep, KeptContact, TemplateToKeep
from greenroom.notifications.schemas import (
    TEMPLATE_KINDS,
    Contact,
    ContactRequest,
    MailTemplate,
    MailTemplateList,
    MailTemplateRequest,
    Stopped,
    TemplateKind,
)
from greenroom.notifications.templates import TemplateRefusedError, refuse_bad
from greenroom.notifications.unsubscribing import Unsubscribing
from greenroom.notifications.words import WORDS

USER_CHARACTERS = 200


class Notifications(Struct, frozen=True):
    """What the operations need of a process."""

    db: Database
    contacts: Contacts
    unsubscribing: Unsubscribing


async def keep_contact(
    there: Notifications, caller: Caller, user_id: str, wanted: ContactRequest, *, request_id: RequestId
) -> Contact:
    """Say where somebody is reached; an address that bounced is tried again. Raises ValidationFailed."""
    brand, user = _brand_meant(caller), _user_meant(user_id)
    zone = None if isinstance(wanted.time_zone, UnsetType) else wanted.time_zone
    if zone is not None and not is_zone(zone):
        raise ValidationFailed("time_zone: expected a time zone of the IANA database such as Europe/Berlin, or null.")
    said = ContactToKeep(user=user, email=str(wanted.email), time_zone=zone, keeps_zone=False, lifts=True)
    kept = await queries.keep_contact(there.db, brand, said, caller, request_id=request_id)
    there.contacts.forget(brand, user)
    return _as_contact(user, kept)


async def contact(there: Notifications, caller: Caller, user_id: str) -> Contact:
    """Where somebody is reached. Raises ValidationFailed, NotFound."""
    brand = _brand_meant(caller)
    user = UserId(user_id)
    kept = await queries.contact(there.db, brand, user) if _is_user(user_id) else None
    if kept is None:
        raise NotFound("Nothing is known of where this person is reached.")
    return _as_contact(user, kept)


async def erase_contact(there: Notifications, caller: Caller, user_id: str, *, request_id: RequestId) -> None:
    """Forget where somebody is reached. Twice is once. Raises ValidationFailed, NotFound for what can be no person's id."""
    brand, user = _brand_meant(caller), _user_meant(user_id)
    await queries.erase_contact(there.db, brand, user, caller, request_id=request_id)
    there.contacts.forget(brand, user)


async def templates(there: Notifications, caller: Caller) -> MailTemplateList:
    """What mail of each kind says. Raises ValidationFailed."""
    own = {kept.kind: kept for kept in await queries.templates(there.db, _brand_meant(caller))}
    return MailTemplateList(
        templates=[
            MailTemplate(
                kind=kind,
                source="brand",
                subject=kept.subject,
                text=kept.text,
                html=kept.html,
                updated_at=wire_text(kept.updated_at),
            )
            if (kept := own.get(kind)) is not None
            else _default(kind)
            for kind in TEMPLATE_KINDS
        ]
    )


async def keep_template(
    there: Notifications, caller: Caller, kind: str, wanted: MailTemplateRequest, *, request_id: RequestId
) -> MailTemplate:
    """Say something else than the program. Raises ValidationFailed, NotFound."""
    brand, known = _brand_meant(caller), _kind_meant(kind)
    for name in ("subject", "text", "html"):
        try:
            refuse_bad(getattr(wanted, name))
        except TemplateRefusedError as error:
            raise ValidationFailed(f"{name}: {error}.") from None
    said = TemplateToKeep(kind=known, subject=wanted.subject, text=wanted.text, html=wanted.html)
    changed_at = await queries.keep_template(there.db, brand, said, caller, request_id=request_id)
    return MailTemplate(
        kind=known,
        source="brand",
        subject=wanted.subject,
        text=wanted.text,
        html=wanted.html,
        updated_at=wire_text(changed_at),
    )


async def erase_template(there: Notifications, caller: Caller, kind: str, *, request_id: RequestId) -> MailTemplate:
    """Say again what the program says. Twice is once. Raises ValidationFailed, NotFound."""
    brand, known = _brand_meant(caller), _kind_meant(kind)
    await queries.erase_template(there.db, brand, known, caller, request_id=request_id)
    return _default(known)


async def unsubscribe(there: Notifications, ticket_text: str) -> None:
    """Send the ticket's holder no more mail of the brand. Twice is once. Raises InvalidToken."""
    ticket = there.unsubscribing.read(ticket_text)
    await queries.stop(there.db, BrandId(ticket.brand), ticket.email)


def _default(kind: TemplateKind) -> MailTemplate:
    words = WORDS[kind]
    return MailTemplate(kind=kind, source="default", subject=words.subject, text=words.text, html=words.html, updated_at=None)


def _as_contact(user: UserId, kept: KeptContact) -> Contact:
    return Contact(
        user_id=user,
        email=kept.email,
        time_zone=kept.time_zone,
        stopped=cast("Stopped | None", kept.stopped),
        updated_at=wire_text(kept.updated_at),
    )


def _kind_meant(kind: str) -> TemplateKind:
    if kind not in TEMPLATE_KINDS:
        raise NotFound("There is no mail of this kind.")
    return kind


def _is_user(text: str) -> bool:
    return 1 <= len(text) <= USER_CHARACTERS and "\0" not in text


def _user_meant(text: str) -> UserId:
    if not _is_user(text):
        raise NotFound(f"user_id: expected 1 to {USER_CHARACTERS} characters without NUL.")
    return UserId(text)


def _brand_meant(caller: Caller) -> BrandId:
    if caller.brand is None:
        raise ValidationFailed("X-Brand-Id: expected the brand that is meant.")
    return caller.brand

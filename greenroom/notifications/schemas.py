"""The wire of contacts, mail templates and unsubscribing."""

from typing import Annotated, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.wire import EmailAddress
from greenroom.sessions.schemas import WireTime, said

TemplateKind = Literal[
    "registered", "waitlisted", "promoted", "moved", "cancelled", "reinstated", "left", "removed", "reminder", "recording_ready"
]
TEMPLATE_KINDS: Final[tuple[TemplateKind, ...]] = get_args(TemplateKind)
Stopped = Literal["bounced", "unsubscribed"]

SUBJECT_CHARACTERS = 300
BODY_CHARACTERS = 20_000
ZONE_CHARACTERS = 64

EmailField = Annotated[
    EmailAddress,
    Meta(description="one e-mail address in ASCII, of at most 254 characters (an international domain in its xn-- form)"),
]
ZoneField = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ZONE_CHARACTERS,
        description="a time zone of the IANA database such as Europe/Berlin, or null",
    ),
]
SubjectField = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=SUBJECT_CHARACTERS,
        description=f"a template of 1 to {SUBJECT_CHARACTERS} characters without NUL; line breaks become spaces",
    ),
]
BodyField = Annotated[
    str,
    Meta(min_length=1, max_length=BODY_CHARACTERS, description=f"a template of 1 to {BODY_CHARACTERS} characters without NUL"),
]
StoppedField = Annotated[
    Stopped | None,
    said("Why this address is sent nothing: it bounced, or its owner wants none; null: it is sent what there is."),
]
SourceField = Annotated[Literal["brand", "default"], said("Who says so: the brand, or the program.")]
KindField = Annotated[TemplateKind, said("What the mail is about.")]


class ContactRequest(Struct, frozen=True, kw_only=True):
    """Where somebody is reached. A zone that is absent is none."""

    email: EmailField
    time_zone: ZoneField | UnsetType | None = UNSET


class Contact(Struct, frozen=True, kw_only=True):
    """Where somebody is reached, and whether mail is still sent there."""

    user_id: str
    email: str
    time_zone: str | None
    stopped: StoppedField
    updated_at: WireTime


class MailTemplateRequest(Struct, frozen=True, kw_only=True):
    """What a brand's mail of one kind says."""

    subject: SubjectField
    text: BodyField
    html: BodyField


class MailTemplate(Struct, frozen=True, kw_only=True):
    """What mail of one kind says."""

    kind: KindField
    source: SourceField
    subject: str
    text: str
    html: str
    updated_at: WireTime | None


class MailTemplateList(Struct, frozen=True, kw_only=True):
    """What mail of each kind says."""

    templates: list[MailTemplate]

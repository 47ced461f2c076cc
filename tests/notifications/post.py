"""An SMTP server that keeps what it is handed, and fails as it is told to."""

import asyncio
import email
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import httpx
import icalendar
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import Struct

OK = "250 OK"


def refusal_in(response: httpx.Response) -> tuple[int, str]:
    """The status and the code of an answer that is an error in the contract's form."""
    said = response.json()
    assert said.keys() == {"error", "message"}
    return response.status_code, said["error"]


class Mail(Struct, frozen=True):
    """A mail that was taken."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """As a mail program reads it."""
        return email.message_from_bytes(self.raw, policy=default)

    @property
    def to(self) -> str:
        """The one recipient."""
        (only,) = self.recipients
        return only

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    def body(self, kind: str) -> str:
        """Its text/plain, text/html or text/calendar."""
        for part in self.message.walk():
            if part.get_content_type() == kind:
                return str(part.get_content())
        raise AssertionError(f"there is no {kind}")

    @property
    def types(self) -> list[str]:
        """Of each part, from the outside in."""
        return [part.get_content_type() for part in self.message.walk()]

    @property
    def text(self) -> str:
        return self.body("text/plain")

    @property
    def html(self) -> str:
        return self.body("text/html")

    @property
    def invitation(self) -> icalendar.Calendar:
        """What a calendar reads."""
        return icalendar.Calendar.from_ical(self.body("text/calendar"))

    @property
    def event(self) -> icalendar.Event:
        """The one event in it."""
        (only,) = self.invitation.walk("VEVENT")
        return cast("icalendar.Event", only)


class Post:
    """Keeps mail. Each `answers` entry is asked before a stage is answered with 250: what it returns is said instead."""

    def __init__(self) -> None:
        self.taken: list[Mail] = []
        self.tried: list[str] = []  # Message-IDs that came as far as DATA
        self.connections = 0
        self.mail_from: Callable[[str], str | None] = lambda _: None
        self.rcpt_to: Callable[[str], str | None] = lambda _: None
        self.data: Callable[[Mail], str | None] = lambda _: None
        self.opened = asyncio.Event()
        self.hangs: asyncio.Event | None = None  # while it is not set, DATA is not answered
        self.hanging = asyncio.Event()
        self.pauses_rcpt = 0.0  # seconds before RCPT is answered
        self.url = ""

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.mail_from(address):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return OK

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.pauses_rcpt)
        if refusal := self.rcpt_to(address):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return OK

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = Mail(str(envelope.mail_from), list(envelope.rcpt_tos), cast("bytes", envelope.original_content))
        self.tried.append(mail.id)
        if self.hangs is not None:
            self.hanging.set()
            await self.hangs.wait()
        if refusal := self.data(mail):
            return refusal
        self.taken.append(mail)
        return OK

    def subjects(self) -> list[str]:
        """Of what was taken, in order."""
        return [mail.subject for mail in self.taken]

    def to(self, address: str) -> list[Mail]:
        """What was taken for somebody, in order."""
        return [mail for mail in self.taken if mail.to == address]


@asynccontextmanager
async def running_post(
    post: Post, *, port: int = 0, password: str | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Post]:
    """The server, until the block ends. With a password, the user `greenroom` must name it."""
    options: dict[str, Any] = {}
    if password is not None:
        options = {
            "auth_required": True,
            "auth_require_tls": False,
            "authenticator": lambda _server, _session, _envelope, _mechanism, said: AuthResult(
                handled=False,
                success=isinstance(said, LoginPassword)
                and (said.login, said.password) == (b"greenroom", str(password).encode()),
            ),
        }
    if tls is not None:
        options |= {"tls_context": tls, "require_starttls": True}
    loop = asyncio.get_running_loop()

    def accepted() -> SMTP:
        post.connections += 1
        with warnings.catch_warnings():  # of a password without TLS: nobody listens in on a loopback
            warnings.simplefilter("ignore")
            return SMTP(post, hostname="post.test", loop=loop, **options)

    server = await loop.create_server(accepted, "127.0.0.1", port)
    named = "" if password is None else f"greenroom:{password}@"
    post.url = f"smtp://{named}127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield post
    finally:
        server.close()

"""The SMTP server: where it is, and one connection to it that is kept. Errors say whose trouble it is."""

import asyncio
import re
import ssl
from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import aiosmtplib
from msgspec import Struct

SECONDS = 20.0  # for each answer: a server that checks what it is sent may take a while over the data
HANDOVER_SECONDS = 90.0  # for all answers to one message together: well within the lease that mailing.py has of it
CLOSE_SECONDS: Final = 1.0
EXPECTED: Final = "expected smtp://user:password@host:587 or smtps://user:password@host:465, and no path"

_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_ADDRESS = re.compile(r"\S+@\S+")
_ENHANCED = re.compile(r"(?<![\d.])[245]\.(\d{1,3})\.\d{1,3}(?!\.?\d)")  # not a part of an IP address
_RELAYING = re.compile(r"\brelay(?:s|ed|ing)?\b(?![.-]\w)|\brcpthosts\b", re.IGNORECASE)  # not in the name of a host
_ERROR: Final = 400
_PERMANENT: Final = 500
# What a refusal is about by RFC 3463, section 3, where not the mailbox: of DATA also the system, the protocol, the content.
# Not of RCPT: there is a large service that says 5.5.0 of mailboxes that it does not have.
_NOT_THE_MAILBOX: Final = {"RCPT TO": frozenset({7}), "DATA": frozenset({3, 5, 6, 7})}
_NOT_UNDERSTOOD: Final = {"RCPT TO": frozenset({500, 502, 503}), "DATA": frozenset(range(500, 505))}  # 501, 504: of the address
_ASKS_FOR_AUTHENTICATION: Final = frozenset({530, 534, 535, 538})  # RFC 4954, section 6


LOST: Final = (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError)


class MailServer(Struct, frozen=True, kw_only=True):
    """Where mail is handed over. `tls`: from the first octet, by STARTTLS, or not at all."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: str  # implicit | starttls | none


def server_at(url: str) -> MailServer:
    """The server of a URL. Raises ValueError, whose text repeats nothing of it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(EXPECTED) from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = parts.hostname or ""
    if parts.scheme not in {"smtp", "smtps"} or not _HOST.fullmatch(host) or parts.path not in {"", "/"} or parts.fragment:
        raise ValueError(EXPECTED)
    if options not in ({}, {"tls": "none"}, {"tls": "starttls"}) or (options and parts.scheme == "smtps"):
        raise ValueError(f"{EXPECTED}; smtp:// may have ?tls=starttls or ?tls=none")
    user, password = _named_in(parts)
    implicit = parts.scheme == "smtps"
    tls = "implicit" if implicit else options.get("tls", "none" if _is_loopback(host) else "starttls")
    return MailServer(host=host, port=port or (465 if implicit else 587), user=user, password=password, tls=tls)


def _named_in(parts: SplitResult) -> tuple[str | None, str | None]:
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    if (user is None) != (password is None) or not all(
        text and text.isprintable() for text in (user, password) if text is not None
    ):
        raise ValueError(f"{EXPECTED}; a user comes with a password")
    return user, password


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


class ServerError(Exception):
    """The server's trouble, or the operator's: nothing is known of any address. One line without addresses and secrets."""


class LaterError(Exception):
    """This message was not taken now, or (not `is_certain`) nobody knows whether it was; another may be taken at once."""

    def __init__(self, reason: str, *, is_certain: bool = True) -> None:
        super().__init__(reason)
        self.is_certain = is_certain


class RefusedError(Exception):
    """The server will never take mail for this address."""


class Connection:
    """One connection, opened when it is needed and kept. Not for two messages at a time."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._seconds = SECONDS
        self._handover_seconds = HANDOVER_SECONDS
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, sender: str, recipient: str, message: bytes) -> None:
        """Hand a message over for one recipient. Raises ServerError, LaterError, RefusedError."""
        try:
            async with asyncio.timeout(self._handover_seconds):
                await self._send(sender, recipient, message)
        except TimeoutError as error:
            await self.close()
            raise LaterError("it took too long", is_certain=False) from error

    async def _send(self, sender: str, recipient: str, message: bytes) -> None:
        was_open = self._client is not None and self._client.is_connected
        client = await self._opened()
        try:
            await self._begin(client, sender)
        except ServerError:
            if not was_open or self._client is not None:
                raise
            client = await self._opened()  # the server had hung up meanwhile, as it may
            await self._begin(client, sender)
        await self._hand_over(client, recipient, message)

    async def _begin(self, client: aiosmtplib.SMTP, sender: str) -> None:
        try:
            await client.mail(sender)
        except aiosmtplib.SMTPResponseException as error:
            if error.code == aiosmtplib.SMTPStatus.domain_unavailable:
                await self.close()
            else:
                await self._reset(client)
            raise ServerError(f"MAIL FROM was answered {error.code}") from error
        except LOST as error:
            await self.close()
            raise ServerError(f"the connection was lost: {type(error).__name__}") from error

    async def _hand_over(self, client: aiosmtplib.SMTP, recipient: str, message: bytes) -> None:
        stage = "RCPT TO"
        try:
            await client.rcpt(recipient)
            stage = "DATA"
            await client.data(message)
        except aiosmtplib.SMTPResponseException as error:
            if error.code == aiosmtplib.SMTPStatus.domain_unavailable:
                await self.close()
                raise LaterError(f"{stage} {error.code}") from error
            await self._reset(client)
            if error.code in _ASKS_FOR_AUTHENTICATION:
                raise ServerError(f"{stage} was answered {error.code}") from error
            if error.code < _PERMANENT or not _is_of_the_mailbox(stage, error.code, error.message):
                raise LaterError(f"{stage} {error.code}", is_certain=stage != "DATA" or error.code >= _ERROR) from error
            raise RefusedError(f"{stage} {error.code}") from error
        except LOST as error:
            await self.close()
            raise LaterError(f"{stage} {type(error).__name__}", is_certain=stage != "DATA") from error

    async def _opened(self) -> aiosmtplib.SMTP:
        """Raises ServerError."""
        if self._client is not None and self._client.is_connected:
            return self._client
        self._client = None
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            timeout=self._seconds,
            tls_context=None if server.tls == "none" else ssl.create_default_context(),
            local_hostname="localhost" if _is_loopback(server.host) else None,
        )
        try:
            async with asyncio.timeout(self._seconds * 4):
                await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            client.close()
            raise ServerError(f"the user or password was refused ({error.code})") from error
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise ServerError(f"the greeting was answered {error.code}") from error
        except LOST as error:
            client.close()
            raise ServerError(f"no connection: {_described(error)}") from error
        except BaseException:
            client.close()
            raise
        self._client = client
        return client

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        """Ready for the next message (RFC 5321, section 4.1.1.5), or closed."""
        try:
            await client.rset()
        except LOST:
            await self.close()

    async def close(self) -> None:
        """Say goodbye, where there is somebody to say it to."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            with suppress(*LOST):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await client.quit()
            client.close()


def _is_of_the_mailbox(stage: str, code: int, text: str) -> bool:
    """Whether a refusal is; else it is the sender's trouble, and others would be refused, too."""
    said = _ADDRESS.sub("", text)
    subjects = {int(subject) for subject in _ENHANCED.findall(said)}
    if code in _NOT_UNDERSTOOD[stage] or subjects & _NOT_THE_MAILBOX[stage]:
        return False
    return bool(subjects) or stage != "RCPT TO" or _RELAYING.search(said) is None


def _described(error: BaseException) -> str:
    """What kind of trouble; a certificate's own, which names no secret, in its words."""
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate is not good: {cause.verify_message}"
    if isinstance(error, aiosmtplib.SMTPException) and "STARTTLS" in str(error):
        return "the server offers no STARTTLS, which is required"
    return type(cause).__name__

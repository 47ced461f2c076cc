"""What providers send: verified, stored once, and merged with all that is known, in whatever order it comes.

Webhooks of one call that come together share a transaction (kit/lane.py): two thousand people who join send two thousand.
"""

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.inbox import queries
from greenroom.kit.database import Database
from greenroom.kit.errors import InvalidSignature, PayloadTooLarge, ValidationFailed
from greenroom.kit.ids import new_id, new_request_id, parse_id
from greenroom.kit.lane import Lanes
from greenroom.kit.telemetry import logger
from greenroom.providers.protocol import BadWebhookError, Facts, ProviderEvent
from greenroom.providers.registry import Providers, WebhookSource

BODY_OCTETS: Final = 1024 * 1024  # as it came, and decompressed
AGE = timedelta(days=7)
AT_ONCE = 1_000
GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib's own way to say: with gzip's header

Row = tuple[str, UUID | None]

_encode = msgspec.json.Encoder().encode


class Inbox:
    """Webhooks for all requests of a process."""

    def __init__(self, db: Database, providers: Providers) -> None:
        self._db = db
        self._providers = providers
        self._lanes: Lanes[Row, queries.Arrival, str] = Lanes(
            lambda row, arrivals: queries.receive_any_brand(db, *row, arrivals, request_id=new_request_id()),
            kind=type,
            claims=lambda arrival: (arrival.event_id, arrival.body_hash),
        )

    async def receive(self, source: WebhookSource, body: bytes, headers: Mapping[str, str]) -> None:
        """Store what the provider says and draw the conclusions. Raises InvalidSignature, PayloadTooLarge, Unavailable."""
        provider = self._providers.webhooks(source)
        if provider is None:
            raise InvalidSignature("No secret is set up to verify this webhook with.")
        plain = decompressed(body)
        try:
            event = provider.event_in(plain, headers)
        except BadWebhookError as error:
            raise InvalidSignature from error
        await self._store(source, event, plain)

    async def note(self, source: str, event: ProviderEvent) -> None:
        """Store what a provider that is part of Greenroom says, and draw the conclusions. Raises Unavailable."""
        await self._store(source, event, _encode(event))

    async def _store(self, source: str, event: ProviderEvent, body: bytes) -> None:
        call = None if event.call is None else parse_id(event.call)
        outcome = await self._lanes.send((source, call), _arrival(event, body))
        logger().debug("webhook_received", provider=source, type=event.type, outcome=outcome)


async def forget(db: Database) -> None:
    """Forget what was received more than 7 days ago."""
    while await queries.forget_any_brand(db, most=AT_ONCE, age=AGE):
        pass


def decompressed(body: bytes) -> bytes:
    """What was signed. GetStream compresses where it is told to, and JSON never begins as gzip does.

    Raises PayloadTooLarge, ValidationFailed.
    """
    if not body.startswith(GZIP):
        return body
    reader = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = reader.decompress(body, BODY_OCTETS)
    except zlib.error:
        raise ValidationFailed("The body is not gzip, though it begins like it.") from None
    if reader.unconsumed_tail or (not reader.eof and len(plain) == BODY_OCTETS):
        raise PayloadTooLarge("The body is larger than 1024 KiB when decompressed.")
    if not reader.eof or reader.unused_data:
        raise ValidationFailed("The body is cut short, or goes on after its end.")
    return plain


def told_of(facts: Facts) -> dict[str, Any]:
    """What the world is told of a webhook: what happened, and of no person who it was."""
    return {
        "spans": [msgspec.to_builtins(one) for one in facts.spans],
        "connections": [_without(one, "user") for one in facts.connections],
        "recordings": [_without(one, "url") for one in facts.recordings],
    }


def _without(one: Struct, name: str) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(one)
    del said[name]
    return said


def _arrival(event: ProviderEvent, body: bytes) -> queries.Arrival:
    return queries.Arrival(
        event_id=event.id,
        body_hash=hashlib.sha256(body).digest(),
        type=event.type,
        occurred_at=_to_milliseconds(event.occurred_at),
        body=body,
        facts=_encode(event.facts).decode(),
        tells=_encode(told_of(event.facts)).decode(),
        outbox_id=new_id(),
    )


def _to_milliseconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

"""Where a recording of ours is watched: rows name it, and whoever is shown it gets a signed address that expires.

The addresses are made where rows become answers, events and mail, everywhere in the program: so what signs them is set up once
for a process, as its logs are. Another provider's address passes unchanged. docs/decisions/0036.
"""

import hashlib
import re
import time
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import timedelta
from typing import Final
from uuid import UUID

from itsdangerous import Signer
from msgspec import Struct

from greenroom.kit.http.asgi import Scope

PATH: Final = "/recordings/"
ENDING: Final = ".webm"
READY_EVENT: Final = "live.recording.ready.v1"

request_of: ContextVar[Scope | None] = ContextVar("request_of", default=None)  # what is answered just now

_NAME: Final = re.compile(r"greenroom-recording:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_IN_PAYLOAD: Final = re.compile(rf'("recording_url": ?)"({_NAME.pattern})"')


class Links:
    """Signs addresses with the first secret key, and opens them by any."""

    def __init__(self, secret_keys: Sequence[str], *, public_url: str | None) -> None:
        self._public_url = public_url
        self._signer = Signer(
            list(reversed(secret_keys)), salt=b"greenroom recording", key_derivation="hmac", digest_method=hashlib.sha256
        )

    def signed(self, recording: str, *, until: int) -> str:
        """The address, good until then (seconds since 1970)."""
        signature = self._signer.get_signature(_said(recording, until)).decode()
        return f"{self._public_url or _asked_at()}{PATH}{recording}{ENDING}?expires={until}&signature={signature}"

    def are_ours(self, recording: str, *, until: int, signature: str) -> bool:
        """Whether we have signed just this, whenever it expires."""
        return self._signer.verify_signature(_said(recording, until), signature)


class Lifetimes(Struct, frozen=True, kw_only=True):
    """How long an address is good at least: in an answer, and in what is read later (events and mail)."""

    shown: timedelta = timedelta(hours=1)
    told: timedelta = timedelta(days=7)


class _SetUp:
    links: Links | None = None
    lifetimes: Lifetimes = Lifetimes()


def set_up(links: Links, lifetimes: Lifetimes) -> None:
    """Sign with these from now on, in this process."""
    _SetUp.links, _SetUp.lifetimes = links, lifetimes


def name_of(recording: UUID) -> str:
    """What rows say instead of an address."""
    return f"greenroom-recording:{recording}"


def shown(url: str | None) -> str | None:
    """The address that an answer holds."""
    return None if url is None else _signed(url, _SetUp.lifetimes.shown)


def told(url: str | None) -> str | None:
    """The address that mail holds, which is read later."""
    return None if url is None else _signed(url, _SetUp.lifetimes.told)


def told_in(event: str, payload: str) -> str:
    """The event's payload with the address for who was told; of the one event that holds one, which we alone write."""
    if event != READY_EVENT:
        return payload
    return _IN_PAYLOAD.sub(lambda found: f'{found[1]}"{_signed(found[2], _SetUp.lifetimes.told)}"', payload)


def until(url: str | None) -> int | None:
    """When the address that is shown now expires: with it the answer becomes another. None for what never does."""
    return None if url is None or _NAME.fullmatch(url) is None else _end_of(_SetUp.lifetimes.shown)


def _signed(url: str, lifetime: timedelta) -> str:
    ours = _NAME.fullmatch(url)
    if ours is None or _SetUp.links is None:
        return url
    return _SetUp.links.signed(ours[1], until=_end_of(lifetime))


def _end_of(lifetime: timedelta) -> int:
    """After the lifetime, and up to half as much later: within each half all are shown the same, which caches like."""
    step = max(1, int(lifetime.total_seconds()) // 2)
    return (int(time.time()) // step + 3) * step


def _said(recording: str, until: int) -> str:
    return f"{recording} {until}"


def _asked_at() -> str:
    """Where the request came in, which is answered just now; else nowhere, and the address is a path alone."""
    scope = request_of.get()
    host = b"" if scope is None else next((value for name, value in scope["headers"] if name == b"host"), b"")
    return "" if scope is None or not host else f"{scope['scheme']}://{str(host, 'latin-1')}"

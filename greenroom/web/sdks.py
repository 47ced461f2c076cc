"""The web SDKs of the providers that carry a room: from where the page loads one, and what it may reach there."""

from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from greenroom.settings import Settings

LIVEKIT: Final = "livekit"
GETSTREAM: Final = "getstream"

# LiveKit's cloud says by itself which of its hosts is the nearest; its SDK knows the cloud by these names.
LIVEKIT_CLOUDS: Final = (".livekit.cloud", ".livekit.run")
# GetStream chooses a server for each call, under names that it documents for firewalls.
GETSTREAM_HOSTS: Final = ("*.stream-io-api.com", "*.stream-io-video.com", "*.getstream.io")


class Sdk(Struct, frozen=True, kw_only=True):
    """One provider's. `url`: None where the operator has named none; `facts`: what a client of it is made with."""

    provider: str
    url: str | None
    integrity: str | None
    connects: tuple[str, ...]
    facts: dict[str, str]

    @property
    def scripts(self) -> tuple[str, ...]:
        """What the page's policy has to allow beside our own: this file and no other of that host."""
        return () if self.url is None or self.url.startswith("/") else (self.url,)


def sdks_of(settings: Settings) -> dict[str, Sdk]:
    """Those of the providers that are set up, by their names."""
    found: dict[str, Sdk] = {}
    if settings.livekit_url is not None:
        found[LIVEKIT] = Sdk(
            provider=LIVEKIT,
            url=settings.livekit_sdk_url,
            integrity=settings.livekit_sdk_integrity,
            connects=_livekit_hosts(settings.livekit_url),
            facts={"server": settings.livekit_url},
        )
    if settings.getstream_api_key is not None:
        base = settings.getstream_base_url
        found[GETSTREAM] = Sdk(
            provider=GETSTREAM,
            url=settings.getstream_sdk_url,
            integrity=settings.getstream_sdk_integrity,
            connects=(*_secured(*GETSTREAM_HOSTS), *(() if base is None else _both_ways(base))),
            facts={"key": settings.getstream_api_key, "type": settings.getstream_call_type, "base": (base or "").rstrip("/")},
        )
    return found


def _livekit_hosts(url: str) -> tuple[str, ...]:
    host = urlsplit(url).hostname or ""
    clouds = [f"*{suffix}" for suffix in LIVEKIT_CLOUDS if host.endswith(suffix)]
    return (*_both_ways(url), *_secured(*clouds))


def _both_ways(url: str) -> tuple[str, ...]:
    """As a WebSocket and as HTTP, secured where the address says so."""
    parts = urlsplit(url)
    secured = "s" if parts.scheme in {"https", "wss"} else ""
    return (f"ws{secured}://{parts.netloc}", f"http{secured}://{parts.netloc}")


def _secured(*hosts: str) -> tuple[str, ...]:
    return tuple(f"{scheme}://{host}" for host in hosts for scheme in ("wss", "https"))

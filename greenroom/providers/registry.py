"""Which providers there are: those whose credentials are set. Their packages are extras, and loaded when they are needed."""

from collections.abc import Collection
from typing import Literal

from msgspec import Struct

from greenroom.providers.protocol import ChatProvider, ProviderError, VideoProvider

WebhookSource = Literal["getstream", "livekit"]


class ProviderSettings(Struct, frozen=True, kw_only=True):
    """What the providers are made of, as the settings have it."""

    seconds: float = 2.0
    getstream_api_key: str | None = None
    getstream_api_secret: tuple[str, ...] = ()
    getstream_base_url: str | None = None
    getstream_call_type: str = "default"
    livekit_url: str | None = None
    livekit_api_key: tuple[str, ...] = ()
    livekit_api_secret: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without the secrets."""
        return "ProviderSettings(...)"


class Providers:
    """Every provider that is set up, and the one that is part of Greenroom.

    Raises ProviderError for one whose package is not installed.
    """

    def __init__(self, settings: ProviderSettings, *, builtin: VideoProvider | None = None) -> None:
        self._video: dict[str, VideoProvider] = {} if builtin is None else {builtin.name: builtin}
        self._chat: dict[str, ChatProvider] = {}
        if settings.getstream_api_key and settings.getstream_api_secret:
            self._add_getstream(settings, settings.getstream_api_key)
        if settings.livekit_url and settings.livekit_api_key and settings.livekit_api_secret:
            self._add_livekit(settings, settings.livekit_url)

    def video(self, name: str) -> VideoProvider | None:
        """Who carries picture and sound under this name; None where that one is not set up."""
        return self._video.get(name)

    def videos(self) -> Collection[VideoProvider]:
        """All that are set up."""
        return self._video.values()

    def chat(self, name: str | None = None) -> ChatProvider | None:
        """Who carries chat: under this name, or whoever there is. Whoever carries the video has no say in it."""
        return next(iter(self._chat.values()), None) if name is None else self._chat.get(name)

    def webhooks(self, name: WebhookSource) -> VideoProvider | None:
        """Who can read a webhook that came under this name; None where that one is not set up."""
        return self._video.get(name)

    async def close(self) -> None:
        """Let go of connections."""
        for provider in self._video.values():
            await provider.close()

    def _add_getstream(self, settings: ProviderSettings, api_key: str) -> None:
        try:
            from greenroom.providers.getstream import GetStream  # noqa: PLC0415  # an extra, and slow to load
        except ImportError as missing:
            raise _not_installed("getstream") from missing
        both = GetStream(
            api_key=api_key,
            api_secrets=settings.getstream_api_secret,
            base_url=settings.getstream_base_url,
            call_type=settings.getstream_call_type,
            seconds=settings.seconds,
        )
        self._video[both.name] = both
        self._chat[both.name] = both

    def _add_livekit(self, settings: ProviderSettings, url: str) -> None:
        try:
            from greenroom.providers.livekit import LiveKit  # noqa: PLC0415  # an extra
        except ImportError as missing:
            raise _not_installed("livekit") from missing
        video = LiveKit(
            url=url, api_keys=settings.livekit_api_key, api_secrets=settings.livekit_api_secret, seconds=settings.seconds
        )
        self._video[video.name] = video


def _not_installed(extra: WebhookSource) -> ProviderError:
    return ProviderError(f"{extra} is set up, and its package is not installed: pip install 'greenroom[{extra}]'")

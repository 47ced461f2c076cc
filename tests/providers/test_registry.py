"""Which providers there are."""

import subprocess
import sys

import pytest

from greenroom.providers.protocol import ProviderError
from greenroom.providers.registry import Providers, ProviderSettings

GETSTREAM: dict[str, object] = {"getstream_api_key": "key", "getstream_api_secret": ("a secret that nobody may see at all",)}
LIVEKIT: dict[str, object] = {
    "livekit_url": "wss://livekit.invalid",
    "livekit_api_key": ("key",),
    "livekit_api_secret": ("a secret that nobody may see at all",),
}


def made(*parts: dict[str, object]) -> Providers:
    given = {name: value for part in parts for name, value in part.items()}
    return Providers(ProviderSettings(**given))  # type: ignore[arg-type]


async def test_what_is_not_set_up_is_not_there() -> None:
    none = made()
    assert none.video("getstream") is none.video("livekit") is none.video("builtin") is None
    assert none.chat() is None
    assert none.webhooks("getstream") is None
    await none.close()


async def test_what_is_set_up_is_there() -> None:
    both = made(GETSTREAM, LIVEKIT)
    for name in ("getstream", "livekit"):
        video = both.video(name)
        assert video is not None
        assert video.name == name
    assert (both.webhooks("getstream"), both.webhooks("livekit")) == (both.video("getstream"), both.video("livekit"))
    await both.close()


async def test_chat_is_getstreams_whoever_carries_the_video() -> None:
    both = made(GETSTREAM, LIVEKIT)
    chat = both.chat()
    assert chat is not None
    assert chat is both.chat("getstream")
    assert both.chat("livekit") is None
    assert made(LIVEKIT).chat() is None


@pytest.mark.parametrize(
    ("extra", "part", "package"), [("getstream", GETSTREAM, "getstream"), ("livekit", LIVEKIT, "livekit.api")]
)
def test_an_extra_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, extra: str, part: dict[str, object], package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"greenroom.providers.{extra}", raising=False)
    with pytest.raises(ProviderError, match=rf"pip install 'greenroom\[{extra}\]'"):
        made(part)


def test_no_secret_is_shown() -> None:
    assert "nobody may see" not in repr(ProviderSettings(**GETSTREAM, **LIVEKIT))  # type: ignore[arg-type]


def test_who_uses_no_provider_loads_no_package() -> None:
    program = (
        "import sys; from greenroom.providers.registry import Providers, ProviderSettings; Providers(ProviderSettings());"
        "print([name for name in ('getstream', 'livekit', 'aiohttp', 'pydantic') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

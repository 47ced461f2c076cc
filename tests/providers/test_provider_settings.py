"""The settings of providers: what must be there, and what goes together."""

import pytest

from greenroom.setting_rules import load_settings
from greenroom.settings import SettingsError

SECRET = "hunter2-not-to-be-shown"  # noqa: S105
GETSTREAM = {"GREENROOM_GETSTREAM_API_KEY": "key", "GREENROOM_GETSTREAM_API_SECRET": SECRET}
LIVEKIT = {
    "GREENROOM_LIVEKIT_URL": "wss://livekit.example",
    "GREENROOM_LIVEKIT_API_KEY": "key",
    "GREENROOM_LIVEKIT_API_SECRET": SECRET,
}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    [line] = str(refused.value).splitlines()
    assert SECRET not in line
    return line


def test_calls_are_recorded_unless_it_is_said_otherwise() -> None:
    assert load_settings({}).recording == "on"
    assert load_settings({"GREENROOM_RECORDING": "off"}).recording == "off"
    assert refusal({"GREENROOM_RECORDING": "yes"}).startswith("GREENROOM_RECORDING: expected one of on, off")


def test_keys_and_secrets_are_several_by_comma() -> None:
    settings = load_settings({**GETSTREAM, "GREENROOM_GETSTREAM_API_SECRET": "new, old"})
    assert settings.getstream_api_secret == ("new", "old")


@pytest.mark.parametrize(("provider", "needs"), [("getstream", GETSTREAM), ("livekit", LIVEKIT)])
def test_what_the_chosen_provider_lacks_is_named(provider: str, needs: dict[str, str]) -> None:
    chosen = {"GREENROOM_VIDEO_PROVIDER": provider}
    assert load_settings({**chosen, **needs}).video_provider == provider
    for missing in needs:
        environ = {**chosen, **{name: value for name, value in needs.items() if name != missing}}
        assert refusal(environ) == f"{missing} is required with GREENROOM_VIDEO_PROVIDER {provider}."


@pytest.mark.parametrize("needs", [GETSTREAM, LIVEKIT])
def test_a_provider_that_is_set_up_by_half_is_refused_also_when_it_is_not_chosen(needs: dict[str, str]) -> None:
    load_settings(needs)
    for missing in needs:
        environ = {name: value for name, value in needs.items() if name != missing}
        assert refusal(environ).startswith(f"{missing} is required with GREENROOM_")


@pytest.mark.parametrize(("keys", "secrets"), [("one,two", SECRET), ("one", f"{SECRET},other")])
def test_livekits_keys_and_secrets_are_pairs(keys: str, secrets: str) -> None:
    line = refusal({**LIVEKIT, "GREENROOM_LIVEKIT_API_KEY": keys, "GREENROOM_LIVEKIT_API_SECRET": secrets})
    assert line.startswith("GREENROOM_LIVEKIT_API_SECRET: expected as many")


@pytest.mark.parametrize("address", ["wss://x.example", "ws://127.0.0.1:7880", "https://x.example/base", "http://livekit:7880"])
def test_where_livekit_may_be(address: str) -> None:
    assert load_settings({**LIVEKIT, "GREENROOM_LIVEKIT_URL": address}).livekit_url == address


@pytest.mark.parametrize(
    "address", ["x.example", "ftp://x.example", "wss://x.example?a=b", "wss://me:pw@x.example", "wss://x\n"]
)
def test_where_livekit_cannot_be(address: str) -> None:
    assert refusal({**LIVEKIT, "GREENROOM_LIVEKIT_URL": address}).startswith("GREENROOM_LIVEKIT_URL: expected an address")


def test_getstream_speaks_http_alone() -> None:
    line = refusal({**GETSTREAM, "GREENROOM_GETSTREAM_BASE_URL": "wss://x.example"})
    assert line == "GREENROOM_GETSTREAM_BASE_URL: expected an address with https or http, and no query."


@pytest.mark.parametrize("seconds", ["0", "31", "x"])
def test_how_long_a_provider_may_take(seconds: str) -> None:
    assert refusal({"GREENROOM_PROVIDER_SECONDS": seconds}).startswith("GREENROOM_PROVIDER_SECONDS: ")

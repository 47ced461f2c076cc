"""The settings of the web SDKs, and what the page of the room may reach with them."""

import pytest

from greenroom.setting_rules import load_settings
from greenroom.settings import SettingsError
from greenroom.web.sdks import sdks_of

LIVEKIT = {
    "GREENROOM_LIVEKIT_URL": "wss://video.example:7443",
    "GREENROOM_LIVEKIT_API_KEY": "key",
    "GREENROOM_LIVEKIT_API_SECRET": "secret",
}
GETSTREAM = {"GREENROOM_GETSTREAM_API_KEY": "key", "GREENROOM_GETSTREAM_API_SECRET": "secret"}
FILE = "https://cdn.example/npm/livekit-client@2.23.0/dist/livekit-client.esm.mjs"
SHA384 = "sha384-" + "A" * 64


@pytest.mark.parametrize("name", ["GREENROOM_LIVEKIT_SDK_URL", "GREENROOM_GETSTREAM_SDK_URL"])
@pytest.mark.parametrize("url", [FILE, "/sdk/livekit.js", "http://127.0.0.1:9000/sdk.js"])
def test_an_sdk_is_one_file_somewhere_or_of_this_origin(name: str, url: str) -> None:
    assert getattr(load_settings({name: url}), name.removeprefix("GREENROOM_").lower()) == url


@pytest.mark.parametrize("name", ["GREENROOM_LIVEKIT_SDK_URL", "GREENROOM_GETSTREAM_SDK_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example/sdk.js",
        "https://cdn.example",
        "https://cdn.example/",
        "https://cdn.example/sdk.js?v=1",
        "https://cdn.example/sdk.js#x",
        "https://user@cdn.example/sdk.js",
        "https://*.example/sdk.js",
        "https://cdn.example/a.js;script-src *",
        "https://cdn.example/a.js, b",
        "//cdn.example/sdk.js",
        "sdk.js",
        "/",
        "/a.js 'unsafe-inline'",
        "data:text/javascript,1",
    ],
)
def test_what_is_no_file_or_could_be_changed_on_its_way_is_refused_in_a_line(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: expected https and where one file is") as refused:
        load_settings({name: url})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("integrity", ["sha384-x", "md5-AAAA", f"{SHA384} {SHA384}", "A" * 64, f"{SHA384}A"])
def test_a_checksum_is_one_whole_hash(integrity: str) -> None:
    with pytest.raises(SettingsError, match=r"^GREENROOM_LIVEKIT_SDK_INTEGRITY: expected one hash"):
        load_settings({"GREENROOM_LIVEKIT_SDK_URL": FILE, "GREENROOM_LIVEKIT_SDK_INTEGRITY": integrity})


def test_a_checksum_is_of_something() -> None:
    with pytest.raises(SettingsError, match=r"^GREENROOM_LIVEKIT_SDK_URL is required with GREENROOM_LIVEKIT_SDK_INTEGRITY"):
        load_settings({"GREENROOM_LIVEKIT_SDK_INTEGRITY": SHA384})


def test_with_no_provider_nothing_is_allowed() -> None:
    assert sdks_of(load_settings({"GREENROOM_LIVEKIT_SDK_URL": FILE})) == {}


def test_livekit_is_reached_where_the_setting_says_and_nowhere_else() -> None:
    found = sdks_of(load_settings({**LIVEKIT, "GREENROOM_LIVEKIT_SDK_URL": FILE, "GREENROOM_LIVEKIT_SDK_INTEGRITY": SHA384}))
    sdk = found["livekit"]
    assert sdk.connects == ("wss://video.example:7443", "https://video.example:7443")
    assert sdk.scripts == (FILE,)
    assert sdk.integrity == SHA384
    assert sdk.facts == {"server": "wss://video.example:7443"}


def test_an_sdk_of_this_origin_needs_no_more_than_our_own_scripts() -> None:
    found = sdks_of(load_settings({**LIVEKIT, "GREENROOM_LIVEKIT_SDK_URL": "/sdk/livekit.js"}))
    assert found["livekit"].scripts == ()
    assert sdks_of(load_settings(LIVEKIT))["livekit"].scripts == ()


@pytest.mark.parametrize("url", ["ws://127.0.0.1:7880", "http://127.0.0.1:7880"])
def test_a_server_without_tls_is_reached_without_it(url: str) -> None:
    found = sdks_of(load_settings({**LIVEKIT, "GREENROOM_LIVEKIT_URL": url}))
    assert found["livekit"].connects == ("ws://127.0.0.1:7880", "http://127.0.0.1:7880")


def test_livekits_cloud_names_the_nearest_of_its_own_hosts() -> None:
    found = sdks_of(load_settings({**LIVEKIT, "GREENROOM_LIVEKIT_URL": "wss://mine.livekit.cloud"}))
    connects = ("wss://mine.livekit.cloud", "https://mine.livekit.cloud", "wss://*.livekit.cloud", "https://*.livekit.cloud")
    assert found["livekit"].connects == connects
    other = sdks_of(load_settings({**LIVEKIT, "GREENROOM_LIVEKIT_URL": "wss://notlivekit.cloud"}))
    assert other["livekit"].connects == ("wss://notlivekit.cloud", "https://notlivekit.cloud")


def test_getstream_is_reached_at_its_documented_hosts_and_at_the_region_of_the_settings() -> None:
    sdk = sdks_of(load_settings(GETSTREAM))["getstream"]
    assert sdk.connects == (
        "wss://*.stream-io-api.com",
        "https://*.stream-io-api.com",
        "wss://*.stream-io-video.com",
        "https://*.stream-io-video.com",
        "wss://*.getstream.io",
        "https://*.getstream.io",
    )
    assert sdk.facts == {"key": "key", "type": "default", "base": ""}
    regional = sdks_of(load_settings({**GETSTREAM, "GREENROOM_GETSTREAM_BASE_URL": "https://region.example/"}))["getstream"]
    assert regional.connects[-2:] == ("wss://region.example", "https://region.example")
    assert regional.facts["base"] == "https://region.example"

"""Which URLs an endpoint may have."""

import pytest

from greenroom.kit.errors import ValidationFailed
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.targets import Target, refuse_unless_target, target_of

GOOD = [
    "https://app.example.com", "https://app.example.com/hooks?a=b&c=%20", "https://app.example.com:8443/x", "https://EXAMPLE.com/",
    "https://xn--bcher-kva.example/", "https://8.8.8.8/", "https://[2606:4700:4700::1111]:444/x", "https://a.example?x",
    "https://1and1.example/", "https://example.com/a@b",
]  # fmt: skip
BAD = [
    "", "http://app.example.com/", "ftp://app.example.com/", "//app.example.com/", "https:/app.example.com", "https://",
    "https://user@app.example.com/", "https://user:pass@app.example.com/", "https://app.example.com@127.0.0.1/",
    "https://app.example.com/#x", "https://app.example.com/\n", "https://app.example.com/ x", "https://app.example.com/\x7f",
    "https://app.example.com\\@127.0.0.1/", "https://bücher.example/", "https://app.example.com:0/", "https://app.example.com:65536/",
    "https://app.example.com:99999999/", "https://app.example.com:/", "https://app.example.com./", "https://.example.com/",
    "https://-a.example.com/", "https://localhost/", "https://x.localhost/", "https://database/", "https://127.0.0.1/", "https://127.1/",
    "https://0x7f000001/", "https://0x7f.1/", "https://2130706433/", "https://0177.0.0.1/", "https://127.0.0.01/", "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/", "https://[64:ff9b::7f00:1]/", "https://[::]/", "https://[1.2.3.4]/", "https://[g::1]/",
    "https://example.com/%zz", "https://" + "a" * 64 + ".example/", "https://app.example.com/" + "a" * 2048,
    "https://127.0.0.1%00.example.com/", "https://\uff11\uff12\uff17.0.0.1/", "https://example.com\u3002evil/", "HTTPS://app.example.com",
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_it_may_be_a_public_one(url: str) -> None:
    refuse_unless_target(url, Reach())


@pytest.mark.parametrize("url", BAD)
def test_it_may_be_none_that_is_not_public_or_means_two_things(url: str) -> None:
    with pytest.raises(ValidationFailed, match="url: expected an https URL") as refused:
        refuse_unless_target(url, Reach())
    assert url == "" or url not in str(refused.value)


@pytest.mark.parametrize("url", ["http://localhost:8080/x", "http://127.0.0.1/", "https://127.0.0.1:8443/", "http://[::1]:1/"])
def test_an_allowed_host_may_be_reached_by_http(url: str) -> None:
    refuse_unless_target(url, Reach.of(["localhost", "127.0.0.1", "::1"]))


def test_its_parts_are_what_is_sent() -> None:
    assert target_of("https://[2606::1]:8443/a?b") == Target("https", "2606::1", 8443, "/a?b")
    assert target_of("https://Example.com?b") == Target("https", "example.com", 443, "/?b")
    assert target_of("https://[2606::1]:8443/").authority == "[2606::1]:8443"
    assert target_of("https://example.com:443/").authority == "example.com"

"""Which addresses are closed to webhooks: every range, its first and last address, and what stands beside it."""

from ipaddress import ip_address, ip_network

import pytest

from greenroom.webhooks.addresses import Reach, is_open

CLOSED = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4", "255.255.255.255/32", "168.63.129.16/32", "169.254.169.254/32", "169.254.170.2/32", "100.100.100.200/32",
    "192.0.0.192/32",
    "::/128", "::1/128", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:2::/48", "2001:10::/28",
    "2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fd00:ec2::254/128", "fe80::/10",
    "fec0::/10", "ff00::/8", "4000::/3", "8000::/1",
]  # fmt: skip
BESIDE = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "168.63.129.15", "168.63.129.17",
    "2001:200::", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "3ffe:ffff::", "2003::",
]  # fmt: skip
INSIDE = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "168.63.129.16"]  # noqa: S104  # never listened on


@pytest.mark.parametrize("network", CLOSED)
def test_a_special_network_is_closed_from_its_first_address_to_its_last(network: str) -> None:
    known = ip_network(network)
    assert not is_open(known[0])
    assert not is_open(known[-1])


@pytest.mark.parametrize("address", BESIDE)
def test_what_stands_beside_is_open(address: str) -> None:
    assert is_open(ip_address(address))


@pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::", "2002:", "::"])
@pytest.mark.parametrize("address", INSIDE)
def test_no_ipv6_address_leads_to_a_closed_one_of_ipv4(prefix: str, address: str) -> None:
    packed = ip_address(address).packed.hex()
    embedded = f"{packed[:4]}:{packed[4:]}"
    text = f"{prefix}{embedded}::" if prefix == "2002:" else f"{prefix}{embedded}"
    assert not is_open(ip_address(text))


@pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::"])
def test_what_embeds_an_open_one_is_open(prefix: str) -> None:
    assert is_open(ip_address(f"{prefix}8.8.8.8"))


def test_an_address_with_a_zone_is_closed() -> None:
    assert not is_open(ip_address("2606:4700:4700::1111%eth0"))


def test_what_is_no_address_is_not_allowed() -> None:
    assert not Reach().allows("example.com", "no address")


@pytest.mark.parametrize(
    ("host", "address", "may"),
    [
        ("localhost", "127.0.0.1", True),
        ("localhost", "10.9.9.9", True),
        ("other", "10.1.2.3", True),
        ("other", "10.2.0.1", False),
        ("other", "fd00::1", True),
        ("other", "127.0.0.1", False),
        ("other", "8.8.8.8", True),
    ],
)
def test_the_setting_opens_what_it_names_and_no_more(host: str, address: str, may: bool) -> None:
    assert Reach.of(["localhost", "10.1.0.0/16", "fd00::/64"]).allows(host, address) is may


@pytest.mark.parametrize("text", ["10.1.0.0/33", "10.1.0.1/16", "http://localhost", "a b", "", "1.2.3"])
def test_what_is_neither_a_host_nor_a_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Reach.of([text])

"""Where webhooks may go: no address that leads into a network of ours, whatever name led to it.

The table is IANA's registries of special-purpose addresses (RFC 6890) as of 2026, written down: what `ipaddress` calls global
differs between releases of Python.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self

from msgspec import Struct

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

CLOSED_IPV4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, which is in no registry
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# All else is unallocated, or special: loopback, unspecified, IPv4-compatible, link-local, multicast, and unique local, where
# fd00:ec2::254 is.
OPEN_IPV6: Final = IPv6Network("2000::/3")
CLOSED_IPV6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments; Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: whatever IPv4 address is in it
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
# Judged by the IPv4 address in their last 32 bits: IPv4-mapped, and NAT64 (RFC 6052), a way out of networks without IPv4.
EMBEDDING: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


class Reach(Struct, frozen=True):
    """What is open to webhooks besides the public network: hosts by their names, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, named: Iterable[str]) -> Self:
        """By their texts: what reads as an address or a network is one, all else is a host's name. Raises ValueError."""
        hosts: set[str] = set()
        networks: list[Network] = []
        for text in named:
            if text.replace("-", "").replace(".", "").isalnum() and not _ends_in_number(text):
                hosts.add(text.lower())
            else:
                networks.append(ip_network(text.strip("[]"), strict=True))
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str) -> bool:
        """Whether the host itself is allowed, by its name or as an address."""
        address = address_in(host)
        return host in self.hosts if address is None else self._holds(address)

    def allows(self, host: str, address: str) -> bool:
        """Whether the address, to which the host's name has led, may be connected to."""
        if host in self.hosts:
            return True
        known = address_in(address)
        return known is not None and (self._holds(known) or is_open(known))

    def _holds(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def is_open(address: Address) -> bool:
    """Whether the address is one of the public network."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED_IPV4)
    if address.scope_id is not None:
        return False
    if any(address in network for network in EMBEDDING):
        return is_open(IPv4Address(address.packed[-4:]))
    return address in OPEN_IPV6 and not any(address in network for network in CLOSED_IPV6)


def address_in(text: str) -> Address | None:
    """The address that the text is; None for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _ends_in_number(name: str) -> bool:
    return name.rpartition(".")[2].isdecimal()

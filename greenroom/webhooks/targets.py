"""The URL of an endpoint: taken apart once, and refused where it could mean something else to somebody."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

from greenroom.kit.errors import ValidationFailed
from greenroom.webhooks.addresses import Reach, is_open

CHARACTERS: Final = 2048
URL_PATTERN: Final = (
    r"^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)"
    r"(:[0-9]{1,5})?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$"
)
EXPECTED: Final = (
    f"an https URL of at most {CHARACTERS} characters in ASCII, of a public host, without a user's name and without a fragment"
)

_PARTS = re.compile(r"(https?)://(\[[^\]]+\]|[^/?:\[\]]+)(?::([0-9]+))?(.*)")
_WHOLE = re.compile(URL_PATTERN)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a host that ends so is an IPv4 address to browsers, however odd (WHATWG URL)
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LARGEST_PORT = 65535
_NAME_CHARACTERS = 253  # RFC 1035, section 2.3.4
_LABEL_CHARACTERS = 63


class Target(Struct, frozen=True):
    """Where to send: `host` in lower case and without brackets, `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of Host (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """The parts of a URL of the form that we take. Raises ValueError."""
    if len(url) > CHARACTERS or not _WHOLE.fullmatch(url):
        raise ValueError
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise ValueError
    scheme, host, port, rest = parts.groups()
    if host.startswith("[") and ":" not in host:
        raise ValueError
    number = _DEFAULT_PORTS[scheme] if port is None else int(port)
    if not 1 <= number <= _LARGEST_PORT:
        raise ValueError
    return Target(scheme, host.strip("[]").lower(), number, rest if rest.startswith("/") else f"/{rest}")


def refuse_unless_target(url: str, reach: Reach) -> None:
    """Raises ValidationFailed for a URL that no webhook would be sent to. What a name leads to is looked at when it is used."""
    if allowed_target(url, reach) is None:
        raise ValidationFailed(f"url: expected {EXPECTED}.")


def allowed_target(url: str, reach: Reach) -> Target | None:
    """Where to send; None for a URL that webhooks may not be sent to, as far as the URL itself tells."""
    try:
        target = target_of(url)
        may = reach.names(target.host) or (target.scheme == "https" and _is_public(target.host))
    except ValueError:
        return None
    return target if may else None


def _is_public(host: str) -> bool:
    """Raises ValueError for a host that is neither a name nor an address in its usual form."""
    if ":" in host:
        return is_open(IPv6Address(host))
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return is_open(IPv4Address(host))
    if len(host) > _NAME_CHARACTERS or any(len(label) > _LABEL_CHARACTERS for label in labels):
        return False
    return len(labels) > 1 and labels[-1] != "localhost"

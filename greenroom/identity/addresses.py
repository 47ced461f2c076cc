"""Which addresses may be trusted with tokens, secrets and keys."""

from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_private_way(address: str) -> bool:
    """Whether nobody on the way can read or change what goes there: https, or http that never leaves the machine."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        return False
    if not parts.hostname or port == 0 or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)

"""What a token allows. `manage:live` contains read and write, `admin:live` contains manage, `admin:*` contains all."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

READ_LIVE: Final = "read:live"
WRITE_LIVE: Final = "write:live"
MANAGE_LIVE: Final = "manage:live"
ADMIN_LIVE: Final = "admin:live"
ADMIN_ALL: Final = "admin:*"

SCOPES: Final = {
    READ_LIVE: "Read sessions.",
    WRITE_LIVE: "Create sessions of one's own and change those one hosts; register, join, ask and vote.",
    MANAGE_LIVE: "Change any session of the brand; contains read:live and write:live.",
    ADMIN_LIVE: "The brand's administration; contains manage:live.",
    ADMIN_ALL: "Everything, in every brand.",
}

_CONTAINS = {
    MANAGE_LIVE: frozenset({READ_LIVE, WRITE_LIVE}),
    ADMIN_LIVE: frozenset({READ_LIVE, WRITE_LIVE, MANAGE_LIVE}),
    ADMIN_ALL: frozenset(SCOPES),
}


@lru_cache(maxsize=256)
def scopes_in(text: str) -> frozenset[str]:
    """Every scope that a list separated by spaces grants (RFC 6749, section 3.3), with those that they contain."""
    return granted_by(text.split())


def granted_by(named: Iterable[str]) -> frozenset[str]:
    """The scopes that are known among those named, with those that they contain."""
    known = SCOPES.keys() & frozenset(named)
    return frozenset(known).union(*(_CONTAINS.get(scope, frozenset()) for scope in known))

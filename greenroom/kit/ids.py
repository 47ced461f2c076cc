"""Names for the identifiers, so that one is never passed for another."""

import re
from functools import lru_cache
from typing import NewType
from uuid import UUID

from asyncpg.pgproto import pgproto
from uuid_utils import uuid7

BrandId = NewType("BrandId", str)
UserId = NewType("UserId", str)
ClientId = NewType("ClientId", str)
RequestId = NewType("RequestId", str)
SessionId = NewType("SessionId", UUID)

_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7): it sorts by the time it was made. Of the driver's own class."""
    return pgproto.UUID(uuid7().bytes)


def new_request_id() -> RequestId:
    """A UUIDv7 as text."""
    return RequestId(str(uuid7()))


@lru_cache(maxsize=1024)  # of a session that everybody asks for
def parse_id(text: str) -> UUID | None:
    """The UUID in its canonical form, in any case (RFC 9562, section 4); None for anything else."""
    return UUID(text) if _CANONICAL.fullmatch(text) else None

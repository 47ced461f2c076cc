"""Keyset pagination: a page ends with a sealed cursor that says where the next one begins, and of which list."""

from collections.abc import Sequence

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.sealing import Seals


class Cursors:
    """Cursors of every list."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._seals = Seals(secret_keys, purpose="greenroom cursor")

    def seal(self, position: bytes, *, of: str) -> str:
        """Where the next page of the list begins; `of` names the list, its filters and whose it is."""
        return self._seals.seal(position, of=of)

    def open(self, cursor: str, *, of: str) -> bytes:
        """The position. Raises ValidationFailed for a cursor that is not ours, or is of another list."""
        position = self._seals.opened(cursor, of=of)
        if position is None:
            raise ValidationFailed("cursor: expected the cursor of an answer to the same filters.")
        return position

"""Keyset pagination: a page ends with a signed cursor that says where the next one begins, and of which list."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from itsdangerous import BadSignature, Signer

from greenroom.kit.errors import ValidationFailed


class Cursors:
    """Seals with the first secret key and opens with any, so that keys can be rotated."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._oldest_first = list(reversed(secret_keys))

    def seal(self, position: bytes, *, of: str) -> str:
        """Where the next page of the list begins; `of` names the list, its filters and whose it is."""
        return self._signer(of).sign(urlsafe_b64encode(position)).decode()

    def open(self, cursor: str, *, of: str) -> bytes:
        """The position. Raises ValidationFailed for a cursor that is not ours, or is of another list."""
        try:
            return urlsafe_b64decode(self._signer(of).unsign(cursor))
        except (BadSignature, ValueError):
            raise ValidationFailed("cursor: expected the cursor of an answer to the same filters.") from None

    def _signer(self, of: str) -> Signer:
        salt = b"greenroom cursor " + of.encode()
        return Signer(self._oldest_first, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)

"""Octets that travel through others' hands and come back unchanged: readable by anybody, made by us alone."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from itsdangerous import BadSignature, Signer


class Seals:
    """Seals with the first secret key and opens with any, so that keys can be rotated."""

    def __init__(self, secret_keys: Sequence[str], *, purpose: str) -> None:
        self._oldest_first = list(reversed(secret_keys))
        self._purpose = purpose

    def seal(self, octets: bytes, *, of: str = "") -> str:
        """The octets with their signature (HMAC-SHA256), which is bound to the purpose and to `of`."""
        return self._signer(of).sign(urlsafe_b64encode(octets)).decode()

    def opened(self, sealed: str, *, of: str = "") -> bytes | None:
        """The octets; None where they are not ours, or were sealed for something else."""
        try:
            return urlsafe_b64decode(self._signer(of).unsign(sealed))
        except (BadSignature, ValueError):
            return None

    def _signer(self, of: str) -> Signer:
        salt = f"{self._purpose} {of}".encode()
        return Signer(self._oldest_first, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)

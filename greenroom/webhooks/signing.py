"""Secrets of endpoints: made, encrypted for the database, and signed with. Source: Standard Webhooks."""

import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from standardwebhooks import Webhook

SECRET_OCTETS = 32
_KEY_OCTETS = 32
_PURPOSE = b"greenroom webhook secret"


class SecretBox:
    """Encrypts with the first secret key and decrypts with any, so that keys can be rotated."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in secret_keys])

    def close(self, secret: str) -> str:
        """As the database keeps it."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str | None:
        """The secret; None where no key of ours has encrypted it."""
        try:
            return self._fernet.decrypt(kept).decode()
        except InvalidToken:
            return None


def new_secret() -> str:
    """A secret as its owner is given it."""
    return f"whsec_{b64encode(os.urandom(SECRET_OCTETS)).decode()}"


def headers_of(event_id: str, body: str, *, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """What makes a request verifiable: a signature by each secret that is valid. `now` is in UTC."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, now, body) for secret in secrets),
    }


def _derived(key: str) -> bytes:
    """A Fernet key of a secret key (RFC 5869)."""
    return urlsafe_b64encode(HKDF(SHA256(), _KEY_OCTETS, salt=None, info=_PURPOSE).derive(key.encode()))

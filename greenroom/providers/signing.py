"""A provider's tokens: JSON Web Tokens (RFC 7519) by HMAC with SHA-256, made by PyJWT with a key that is prepared once."""

from typing import Any

import msgspec
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm

ALGORITHM = "HS256"

_encode = msgspec.json.Encoder().encode


class _OfPreparedKey(HMACAlgorithm):
    """Takes the key as it is: PyJWT looks at it anew for each token, which takes longer than to sign."""

    def prepare_key(self, key: str | bytes) -> bytes:
        """The key, which was prepared before."""
        return key.encode() if isinstance(key, str) else key


class TokenSigner:
    """Signs claims with one secret. Raises jwt.InvalidKeyError for a secret that is none of HMAC's."""

    def __init__(self, secret: str) -> None:
        self._key = HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
        self._tokens = PyJWS(algorithms=[])
        self._tokens.register_algorithm(ALGORITHM, _OfPreparedKey(HMACAlgorithm.SHA256))

    def sign(self, claims: dict[str, Any]) -> str:
        """The token. Times in `claims` are seconds since 1970."""
        return self._tokens.encode(_encode(claims), self._key, algorithm=ALGORITHM)

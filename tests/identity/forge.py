"""Keys and tokens of a test's own, also those that no honest server would make."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

from tests.identity.remote import AUDIENCE

Json = dict[str, Any]

NOW = 1_800_000_000.0
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Key:
    """A key pair, and what a server publishes of it; None leaves a parameter out."""

    def __init__(self, kid: str | None = "k1", /, *, kind: str = "ES256", **parameters: Any) -> None:
        self.kid = kid
        self.algorithm = kind
        match kind:
            case "ES256" | "ES384" | "ES512":
                curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[kind]
                self.private: Any = ec.generate_private_key(curve)
                published = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case "EdDSA":
                self.private = ed25519.Ed25519PrivateKey.generate()
                published = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case _:
                self.private = RSA_KEY
                published = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
                published.pop("key_ops", None)
        said = {**published, "kid": kid, "use": "sig", "alg": kind, **parameters}
        self.jwk = {name: value for name, value in said.items() if value is not None}

    def token(self, issuer: str, *, typ: Any = "at+jwt", header: Json | None = None, **claims: Any) -> str:
        """A token of this key."""
        heads = {"typ": typ, "kid": self.kid, **(header or {})}
        heads = {name: value for name, value in heads.items() if value is not None or name == "typ"}
        return jwt.encode(claims_of(issuer, **claims), self.private, algorithm=self.algorithm, headers=heads)


def claims_of(issuer: str, **changed: Any) -> Json:
    """What a good token says; None leaves a claim out."""
    said = {
        "iss": issuer, "aud": AUDIENCE, "sub": "ann", "client_id": "app", "scope": "read:live", "brand": "acme",
        "iat": int(NOW), "exp": int(NOW) + 3600, "jti": "1", **changed,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def jwks(*keys: Key) -> Json:
    """What a server publishes."""
    return {"keys": [key.jwk for key in keys]}


def raw(header: Json, claims: Json, signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = [base64url_encode(json.dumps(part).encode()) for part in (header, claims)]
    return b".".join([*parts, base64url_encode(signature)]).decode()

"""What it costs to know a caller by a JWT of an identity server: `python -m bench.token_check`, ten seconds.

Cold: a token at its first sight, signature and all. Warm: one that was seen before. Local tokens stand beside for comparison.
The keys come from a server in this process, once. Medians of rounds, in microseconds of one asyncio task.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from greenroom.identity.caller import TokenSource
from greenroom.identity.claims import ClaimNames
from greenroom.identity.jwt_bearer import JwtTokens
from greenroom.identity.published_keys import PublishedKeys
from greenroom.identity.server import IdentityServer
from greenroom.identity.tokens import LocalTokens, Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId

ROUNDS, TOKENS = 9, 1000
AUDIENCE = "urn:greenroom"
HOUR = 3600

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
KEYS: dict[str, Any] = {"RS256": RSA_KEY, "ES256": EC_KEY}


def main() -> None:
    """Print a line per kind of token."""
    asyncio.run(_measure())


async def _measure() -> None:
    listening = await asyncio.start_server(_publish, "127.0.0.1", 0)
    issuer = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    print(f"{'':8}{'cold':>8}{'warm':>8}   µs, medians of {ROUNDS} rounds of {TOKENS} tokens")
    async with listening:
        server = IdentityServer("jwt", seconds=5)
        for algorithm in KEYS:
            rounds = [
                await _round(_source(server, issuer), [_token(issuer, algorithm, n) for n in range(TOKENS)])
                for _ in range(ROUNDS)
            ]
            _report(algorithm, rounds)
        await server.close()
    signer = Signer(["a key that only the benchmark knows about"])
    _report("local", [await _round(LocalTokens(signer), [_local(signer) for _ in range(TOKENS)]) for _ in range(ROUNDS)])


def _report(name: str, rounds: Sequence[tuple[float, float]]) -> None:
    cold, warm = (statistics.median(times) * 1e6 for times in zip(*rounds, strict=True))
    print(f"{name:8}{cold:8.1f}{warm:8.2f}")


async def _round(source: TokenSource, tokens: Sequence[str]) -> tuple[float, float]:
    """Seconds per token: at its first sight, and at the next."""
    await source.caller(tokens[0])  # the keys are fetched
    cold = await _seconds(source, tokens[1:])
    fresh = [f"{token} "[:-1] for token in tokens]  # every request brings a string of its own, whose hash is not known yet
    return cold, await _seconds(source, fresh)


async def _seconds(source: TokenSource, tokens: Sequence[str]) -> float:
    started = time.perf_counter()
    for token in tokens:
        if await source.caller(token) is None:
            raise AssertionError("the token was not known")
    return (time.perf_counter() - started) / len(tokens)


def _source(server: IdentityServer, issuer: str) -> JwtTokens:
    keys = PublishedKeys(server, issuer=issuer, url=f"{issuer}/jwks")
    return JwtTokens(keys, issuer=issuer, audience=AUDIENCE, types=("at+jwt",), names=ClaimNames())


def _token(issuer: str, algorithm: str, number: int) -> str:
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": f"user-{number}",
        "client_id": "bench",
        "scope": "read:live write:live",
        "brand": "acme",
        "iat": now,
        "exp": now + HOUR,
        "jti": str(number),
    }
    return jwt.encode(claims, KEYS[algorithm], algorithm=algorithm, headers={"typ": "at+jwt", "kid": algorithm})


def _local(signer: Signer) -> str:
    return signer.sign(
        new_grant(
            user=UserId("host_1"),
            brand=BrandId("acme"),
            scope="read:live write:live",
            client=ClientId("bench"),
            lifetime=timedelta(hours=1),
        )
    )


async def _publish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    published = [
        {**RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "kid": "RS256"},
        {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "ES256"},
    ]
    body = json.dumps({"keys": published}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    await writer.drain()
    writer.close()


if __name__ == "__main__":
    main()

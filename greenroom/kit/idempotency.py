"""Idempotency-Key on POST: bound to who sent it, to where, and to the body; replayed for 24 hours."""

import hashlib

from msgspec import Struct

from greenroom.kit.errors import Conflict, IdempotencyKeyPayloadMismatch, ValidationFailed

KEY_CHARACTERS = 128
RETRY_AFTER_SECONDS = 1


class IdempotencyKey(Struct, frozen=True, kw_only=True):
    """What the database needs of a key: its scope, the lock that stands for the scope, and the body it is bound to."""

    scope: bytes
    lock: int
    body_hash: bytes


def idempotency_key(
    key: str | None, *, brand: str, client: str, subject: str, method: str, path: str, body: bytes
) -> IdempotencyKey | None:
    """The key in its scope; None when none was sent. Raises ValidationFailed."""
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_CHARACTERS:
        raise ValidationFailed(f"Idempotency-Key: expected 1 to {KEY_CHARACTERS} characters.")
    scope = hashlib.sha256()
    for part in (brand, client, subject, method, path, key):
        octets = part.encode("utf-8", "surrogatepass")
        scope.update(len(octets).to_bytes(8, "big") + octets)
    digest = scope.digest()
    return IdempotencyKey(
        scope=digest,
        lock=int.from_bytes(digest[:8], "big", signed=True),
        body_hash=hashlib.sha256(body).digest(),
    )


def refuse_unless_usable(outcome: str) -> None:
    """Raises Conflict for a key whose first request still runs, IdempotencyKeyPayloadMismatch for one of another body."""
    if outcome == "key_in_progress":
        raise Conflict(retry_after_seconds=RETRY_AFTER_SECONDS)
    if outcome == "key_mismatch":
        raise IdempotencyKeyPayloadMismatch

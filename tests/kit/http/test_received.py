"""A body as it comes in: many parts, each of which is read once."""

import pytest

from greenroom.kit.errors import PayloadTooLarge
from greenroom.kit.http.asgi import Message
from greenroom.kit.http.request import ApiRequest

HEADERS = [(b"transfer-encoding", b"chunked")]


class Part(bytes):
    """Octets that are not put behind others by making a copy of both."""

    def __radd__(self, before: bytes) -> bytes:
        raise AssertionError(f"{len(before)} octets are copied once more")


def request_of(*parts: bytes) -> ApiRequest:
    """It comes in these parts."""
    left = list(parts)

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return ApiRequest({"type": "http", "headers": HEADERS}, receive)


async def test_what_has_come_is_not_copied_for_each_part_that_comes() -> None:
    found = await request_of(*(Part([place] * 3) for place in range(200))).bounded_body(1000)
    assert (type(found), found) == (bytes, b"".join(bytes([place]) * 3 for place in range(200)))


async def test_what_becomes_too_large_is_refused_when_it_does() -> None:
    with pytest.raises(PayloadTooLarge):
        await request_of(b"x" * 600, b"x" * 600, b"never read").bounded_body(1000)

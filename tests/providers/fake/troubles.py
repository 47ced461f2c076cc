"""What goes wrong with a request, and how many came."""

import asyncio
from collections import Counter
from typing import Literal

from msgspec import Struct


class CutError(Exception):
    """The connection ends without an answer: the server lets it through, and closes."""


class Trouble(Struct, forbid_unknown_fields=True):
    """`times` None is until told otherwise; `operation` None is every one."""

    kind: Literal["slow", "fail", "limit", "cut", "garbage"]
    provider: Literal["getstream", "livekit"] | None = None
    operation: str | None = None
    times: int | None = None
    seconds: float = 0.0
    status: int = 500
    retry_after: str | None = None


class Bad(Struct, frozen=True):
    """An answer that is none."""

    status: int
    retry_after: str | None = None


class Troubles:
    """What was ordered, and what came."""

    def __init__(self) -> None:
        self.ordered: list[Trouble] = []
        self.requests: Counter[str] = Counter()

    async def met_by(self, provider: str, operation: str) -> Bad | None:
        """What the request gets instead of an answer; None after nothing at all, or after waiting. Raises CutError."""
        self.requests[f"{provider}.{operation}"] += 1
        trouble = self._next(provider, operation)
        if trouble is None:
            return None
        match trouble.kind:
            case "slow":
                await asyncio.sleep(trouble.seconds)
                return None
            case "cut":
                raise CutError
            case "limit":
                return Bad(429, trouble.retry_after)
            case "garbage":
                return Bad(200)
            case "fail":
                return Bad(trouble.status)

    def _next(self, provider: str, operation: str) -> Trouble | None:
        for trouble in self.ordered:
            if trouble.provider in {None, provider} and trouble.operation in {None, operation} and trouble.times != 0:
                if trouble.times is not None:
                    trouble.times -= 1
                return trouble
        return None

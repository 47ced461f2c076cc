"""How webhooks go out: in order and once, unless they are to be lost, doubled, delayed or held."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Literal

import httpx
from msgspec import Struct

ATTEMPTS = 4
AGAIN_SECONDS = 0.2
ANSWER_SECONDS = 10.0


class Webhook(Struct):
    """One webhook. `headers_of` writes its headers for an attempt, counted from 1."""

    provider: Literal["getstream", "livekit"]
    id: str
    type: str
    body: bytes
    headers_of: Callable[[int], dict[str, str]]
    lost: bool = False
    statuses: list[int | None] = []

    def described(self) -> dict[str, object]:
        """For whoever drives."""
        return {"provider": self.provider, "id": self.id, "type": self.type, "lost": self.lost, "statuses": self.statuses}


class Rules(Struct, forbid_unknown_fields=True):
    """`lose` and `duplicate` are chances from 0 to 1, `delay` is the most seconds; with a seed they fall as before."""

    lose: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    hold: bool = False
    gzip: bool = False
    seed: int | None = None


class Post:
    """Sends webhooks."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self.rules = Rules()
        self.told: list[Webhook] = []
        self._held: list[Webhook] = []
        self._random = random.Random(0)  # noqa: S311  # a test's dice
        self._queue: asyncio.Queue[Webhook] = asyncio.Queue()
        self._under_way: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False)

    def follow(self, rules: Rules) -> None:
        """From now on."""
        self.rules = rules
        self._random = random.Random(rules.seed)  # noqa: S311

    def send(self, webhook: Webhook) -> None:
        """By the rules."""
        self.told.append(webhook)
        if webhook.provider not in self.urls or self._random.random() < self.rules.lose:
            webhook.lost = True
            return
        for _ in range(2 if self._random.random() < self.rules.duplicate else 1):
            if self.rules.hold:
                self._held.append(webhook)
            elif self.rules.delay:
                self._begin(webhook, after=self._random.uniform(0, self.rules.delay))
            else:
                self._queue.put_nowait(webhook)

    def flush(self, order: Literal["given", "reverse", "random"] | Sequence[int] = "given") -> int:
        """Send what is held, in this order, by positions from 0 where it is a list; what no position names stays lost."""
        held, self._held = self._held, []
        if order == "reverse":
            held.reverse()
        elif order == "random":
            self._random.shuffle(held)
        elif order != "given":
            held = [held[int(position)] for position in order]
        for webhook in held:
            self._queue.put_nowait(webhook)
        return len(held)

    async def run(self) -> None:
        """Send what comes, one after the other; what is sent again overtakes nobody."""
        while True:
            webhook = await self._queue.get()
            if not await self._attempt(webhook, 1):
                self._begin(webhook, after=AGAIN_SECONDS, attempt=2)
            self._queue.task_done()

    async def settle(self) -> None:
        """Wait until nothing is on its way."""
        await self._queue.join()
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        """Send no more."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    def _begin(self, webhook: Webhook, *, after: float, attempt: int = 1) -> None:
        task = asyncio.create_task(self._again(webhook, after=after, attempt=attempt))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _again(self, webhook: Webhook, *, after: float, attempt: int) -> None:
        for number in range(attempt, ATTEMPTS + 1):
            await asyncio.sleep(after)
            if await self._attempt(webhook, number):
                return
            after = AGAIN_SECONDS * number

    async def _attempt(self, webhook: Webhook, number: int) -> bool:
        try:
            response = await self._client.post(
                self.urls[webhook.provider], content=webhook.body, headers=webhook.headers_of(number)
            )
        except (httpx.HTTPError, KeyError):
            webhook.statuses.append(None)
            return False
        webhook.statuses.append(response.status_code)
        return response.is_success

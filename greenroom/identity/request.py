"""The request of an operation that needs a token."""

from typing import cast

from greenroom.identity.caller import Caller
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.idempotency import IdempotencyKey, idempotency_key


class CallerRequest(ApiRequest):
    """A request that has passed the gate."""

    __slots__ = ()

    @property
    def caller(self) -> Caller:
        """Who the gate let in."""
        return cast("Caller", self.scope["user"])

    async def idempotency_key(self, *, brand: str | None) -> IdempotencyKey | None:
        """The request's key in its scope; None when none was sent. Raises ValidationFailed, PayloadTooLarge."""
        body = await self.bounded_body()
        return idempotency_key(
            self.header(b"idempotency-key"),
            brand=brand or "",
            client=self.caller.client,
            subject=self.caller.user,
            method=self.scope["method"],
            path=self.scope["path"],
            body=body,
        )

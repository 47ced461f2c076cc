"""The request of an operation that needs a token."""

from typing import cast

from greenroom.identity.caller import Caller
from greenroom.kit.http.request import ApiRequest


class CallerRequest(ApiRequest):
    """A request that has passed the gate."""

    __slots__ = ()

    @property
    def caller(self) -> Caller:
        """Who the gate let in."""
        return cast("Caller", self.scope["user"])

"""The VideoProvider that needs no account anywhere: browsers among themselves. What it knows, the tables of rooms say."""

from collections.abc import Mapping
from datetime import timedelta

from greenroom.kit.database import Database
from greenroom.kit.errors import Unavailable
from greenroom.kit.ids import UserId, parse_id
from greenroom.providers.protocol import (
    BadWebhookError,
    CallPlan,
    CallRole,
    CallState,
    Facts,
    ProviderError,
    ProviderEvent,
    Recording,
)
from greenroom.rooms import queries
from greenroom.rooms.tokens import RoomTokens

NAME = "builtin"


class Builtin:
    """The VideoProvider. A call needs no making: its room is there when the first comes."""

    name = NAME
    call_type = "room"

    def __init__(self, db: Database, tokens: RoomTokens) -> None:
        self._db = db
        self._tokens = tokens

    async def ensure_call(self, plan: CallPlan) -> None:
        """Nothing is to be made."""

    async def update_call(self, plan: CallPlan) -> None:
        """Title and time are the session's."""

    async def end_call(self, call: str) -> None:
        """Put everybody out, and let nobody in again. Raises ProviderError."""
        await self._clear(call, None)

    async def state_of(self, call: str) -> CallState | None:
        """The call as it is now; None where nobody was ever in it. Raises ProviderError."""
        known_id = parse_id(call)
        try:
            state = None if known_id is None else await queries.state_any_brand(self._db, known_id)
        except Unavailable as error:
            raise _away() from error
        if state is None:
            return None
        inside = [one.id for one in state.connections if one.left_at is None]
        facts = Facts(spans=state.spans, connections=state.connections)
        return CallState(is_live=bool(inside), span=state.span, ended_at=None, facts=facts, inside=inside)

    async def recordings_of(self, call: str) -> list[Recording]:  # noqa: ARG002  # the Protocol's
        """None: what a browser has recorded is told when it has been uploaded."""
        return []

    async def remove(self, call: str, user: UserId) -> None:
        """Put somebody out, with each browser. Raises ProviderError."""
        await self._clear(call, user)

    def token(self, call: str, user: UserId, role: CallRole, *, lifetime: timedelta) -> str:
        """A token for this call, this user and this role."""
        return self._tokens.write(call, user, role, lifetime=lifetime)

    def event_in(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:  # noqa: ARG002  # the Protocol's
        """There are no webhooks. Raises BadWebhookError."""
        raise BadWebhookError("No provider stands behind builtin.")

    async def close(self) -> None:
        """The connections are the application's."""

    async def _clear(self, call: str, user: UserId | None) -> None:
        known_id = parse_id(call)
        try:
            if known_id is not None:
                await queries.clear_any_brand(self._db, known_id, user)
        except Unavailable as error:
            raise _away() from error


def _away() -> ProviderError:
    return ProviderError("the database is away")

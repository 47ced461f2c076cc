"""Where people are reached: what their tokens say, kept when they register or join."""

from time import monotonic
from typing import Final

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, RequestId
from greenroom.notifications import queries
from greenroom.notifications.composing import is_zone
from greenroom.notifications.queries import ContactToKeep

REMEMBERED: Final = 20_000
REMEMBERED_SECONDS: Final = 600.0  # after which one that was erased or changed meanwhile is kept anew


class Contacts:
    """Contacts for all requests of a process: the same one is not kept twice within ten minutes."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._seen: dict[tuple[BrandId, str], tuple[str, str | None, float]] = {}

    async def remember(self, caller: Caller, *, request_id: RequestId) -> None:
        """Keep what the caller's token says of where they are reached, if it does and they have a brand. Raises Unavailable."""
        if caller.email is None or caller.brand is None:
            return
        person = (caller.brand, caller.user)
        known = self._seen.get(person)
        now = monotonic()
        if known is not None and known[:2] == (caller.email, caller.time_zone) and now < known[2]:
            return
        zone = caller.time_zone if caller.time_zone is not None and is_zone(caller.time_zone) else None
        said = ContactToKeep(user=caller.user, email=caller.email, time_zone=zone, keeps_zone=True, lifts=False)
        await queries.keep_contact(self.db, caller.brand, said, caller, request_id=request_id)
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[person] = (caller.email, caller.time_zone, now + REMEMBERED_SECONDS)

    def forget(self, brand: BrandId, user: str) -> None:
        """It was changed or erased by somebody else."""
        self._seen.pop((brand, user), None)

"""greenroom check: every promise that the data can show to be kept or broken."""

from msgspec import Struct

from greenroom.invariants import queries
from greenroom.kit.database import Database

PROMISES = {
    "registered_count is the number of registered rows": queries.COUNT_IS_TRUE_ANY_BRAND,
    "no admission above the capacity stored with it": queries.NEVER_OVERSOLD_ANY_BRAND,
    "who waits longest is promoted first": queries.PROMOTED_IN_ORDER_ANY_BRAND,
    "waitlist_count is the number of waiting rows": queries.WAITLIST_COUNT_IS_TRUE_ANY_BRAND,
    "one active registration per person and session": queries.ONE_ACTIVE_REGISTRATION_ANY_BRAND,
    "nobody waits while a seat is free and the session is scheduled": queries.NOBODY_WAITS_BESIDE_A_FREE_SEAT_ANY_BRAND,
    "a change has exactly one audit row": queries.ONE_AUDIT_ROW_PER_CHANGE_ANY_BRAND,
    "a change has its event": queries.EVERY_CHANGE_IS_TOLD_ANY_BRAND,
    "a change of a registration has exactly one audit row and its event": (
        queries.A_REGISTRATIONS_CHANGE_IS_AUDITED_AND_TOLD_ANY_BRAND
    ),
    "a change of a brand's settings has exactly one audit row and its event": (
        queries.A_BRANDS_CHANGE_IS_AUDITED_AND_TOLD_ANY_BRAND
    ),
    "a session shows the call that it has, and a recording of it that is ready": (
        queries.A_CALL_IS_AS_ITS_SESSION_SHOWS_ANY_BRAND
    ),
    "votes are distinct voters": queries.VOTES_ARE_COUNTED_ANY_BRAND,
    "the pinned question is one that everybody sees": queries.THE_PINNED_QUESTION_IS_SEEN_ANY_BRAND,
    "a change of a question has exactly one audit row and its event": queries.A_QUESTIONS_CHANGE_IS_AUDITED_AND_TOLD_ANY_BRAND,
    "a change of a calendar feed has exactly one audit row": queries.A_CALENDAR_FEEDS_CHANGE_IS_AUDITED_ANY_BRAND,
}


class Finding(Struct, frozen=True):
    """One promise, and where it is broken."""

    promise: str
    examples: list[str]

    @property
    def broken(self) -> bool:
        """Whether the promise is not kept."""
        return bool(self.examples)


async def check(db: Database) -> list[Finding]:
    """Every promise, in order."""
    return [Finding(promise, await queries.broken_any_brand(db, sql)) for promise, sql in PROMISES.items()]

"""The functions of questions, with wide windows; with the lock of the session's row, or without. And votes without a key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from msgspec import Struct

from tests.concurrency.seats_arena import paused, replaced, sweep
from tests.postgres import TestDatabase

NAMES = ("vote_v1", "ask_question_v1", "moderate_question_v1", "pin_question_v1")

# Who votes dawdles longer than who dismisses: without the lock the vote then falls after the question's end.
VOTE_PAUSE_SECONDS = 0.08
ASK_PAUSE_SECONDS = 0.03
MODERATE_PAUSE_SECONDS = 0.02
PIN_PAUSE_SECONDS = 0.06

GIVES = "where a.verdict = 'voted' and a.wants\n"
READ_TO_PIN = "answer := question_answer_v1('unchanged', s, q, p_user_id, p_manages);"
READ_TO_MODERATE = "was := q.status;"
READ_TO_ASK = "if verdict is not null then"
VOTES_LOCK = "select * into s from sessions x where x.brand_id = p_brand_id and x.id = p_session_id for no key update;"
QUESTION_BEFORE_SESSION = f"""
    perform from questions o where o.brand_id = p_brand_id and o.id = any (p_question_ids) for no key update;
    perform pg_sleep({VOTE_PAUSE_SECONDS});
    {VOTES_LOCK}"""


class QuestionFunctions(Struct, frozen=True):
    """The sources of the functions, as the migrations made them."""

    vote: str
    ask: str
    moderate: str
    pin: str

    def as_made(self) -> list[str]:
        """To be put back."""
        return [self.vote, self.ask, self.moderate, self.pin]

    def widened(self, *, locked: bool) -> list[str]:
        """With a pause between what they read and what they write, and nothing but the session's lock to save them, if that."""
        slow_vote = replaced(
            self.vote, GIVES, f"{GIVES.rstrip()} and (select pg_sleep({VOTE_PAUSE_SECONDS})::text) is not null\n"
        )
        return [
            paused(slow_vote, 0, locked=locked),
            paused(_after(self.ask, READ_TO_ASK, ASK_PAUSE_SECONDS, before=True), 0, locked=locked),
            paused(_after(self.moderate, READ_TO_MODERATE, MODERATE_PAUSE_SECONDS), 0, locked=locked),
            paused(_after(self.pin, READ_TO_PIN, PIN_PAUSE_SECONDS), 0, locked=locked),
        ]

    def session_locked_last(self) -> str:
        """Who votes locks the question first and the session then; who moderates does it the other way round."""
        return replaced(self.vote, VOTES_LOCK, QUESTION_BEFORE_SESSION)


async def question_functions_of(database: TestDatabase) -> QuestionFunctions:
    """The functions as they are in the database."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        sources = [str(await owner.fetchval("select pg_get_functiondef($1::regproc)", name)) for name in NAMES]
    finally:
        await owner.close()
    return QuestionFunctions(*sources)


@asynccontextmanager
async def without_votes_key(database: TestDatabase) -> AsyncIterator[None]:
    """Votes have no key meanwhile; what that has let in is swept away with everything else."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("alter table votes drop constraint votes_pkey")
    try:
        yield
    finally:
        await sweep(database)
        await owner.execute("alter table votes add primary key (brand_id, question_id, user_id)")
        await owner.close()


def _after(source: str, read: str, seconds: float, *, before: bool = False) -> str:
    pause = f"perform pg_sleep({seconds});"
    return replaced(source, read, f"{pause} {read}" if before else f"{read} {pause}")

"""What is done for all rooms together, by whichever process comes to it."""

from datetime import timedelta

from greenroom.inbox.service import Inbox
from greenroom.kit.database import Database
from greenroom.rooms import queries
from greenroom.rooms.provider import NAME
from greenroom.rooms.telling import leaving

PATIENCE = timedelta(seconds=15)  # with who has lost the connection
AT_ONCE = 200
AGE = timedelta(minutes=1)  # of processes that are gone


async def sweep(db: Database, inbox: Inbox) -> None:
    """Who has not come back has left. Raises Unavailable."""
    for call, left in await queries.sweep_any_brand(db, patience=PATIENCE, most=AT_ONCE):
        for event in leaving(call, left):
            await inbox.note(NAME, event)


async def forget(db: Database) -> None:
    """Forget processes that are gone, and what they were to be told. Raises Unavailable."""
    await queries.forget_any_brand(db, age=AGE)

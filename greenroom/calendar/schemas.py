"""The wire of calendars, where it is JSON: the feed that somebody subscribes to."""

from typing import Annotated

from msgspec import Meta, Struct

PATH = "/v1/me/calendar.ics"
PARAMETER = "ticket"


class CalendarFeed(Struct, frozen=True, kw_only=True):
    """What to subscribe to. It is shown once: of the ticket nothing is kept but what it can be recognized by."""

    url: Annotated[str, Meta(description="The address for the calendar program, with the ticket.")]
    ticket: str

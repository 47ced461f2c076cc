"""Times as a form's field has them (HTML standard, datetime-local): on the viewer's clock, without a zone."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

from greenroom.kit.clock import wire_time
from greenroom.kit.errors import ValidationFailed
from greenroom.web.texts import text
from greenroom.web.times import Clock

_LOCAL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?")


def field_of(instant: str, clock: Clock) -> str:
    """What the field shows of an instant: to the minute."""
    return clock.local(instant).strftime("%Y-%m-%dT%H:%M").rjust(16, "0")


def instant_in(typed: str, clock: Clock, *, field: str) -> str:
    """The instant that was typed, as the wire has it. Of a time that comes twice, when clocks are put back, the first.

    Raises ValidationFailed for what is no time, and for one that does not come, when clocks are put forward.
    """
    local = _local_in(typed)
    try:
        instant = None if local is None else local.replace(tzinfo=clock.zone).astimezone(UTC)
        comes = instant is not None and _on(instant, clock.zone) == local
    except OverflowError:
        instant = None
    if instant is None:
        raise ValidationFailed(f"{field}: {text('form.time_is')}")
    if not comes:
        raise ValidationFailed(f"{field}: {text('form.time_is_skipped', zone=clock.name)}")
    return wire_time(instant)


def told_if_twice(instant: str, clock: Clock) -> str | None:
    """Which of the two it is, where its time comes twice, when clocks are put back; None where it comes once."""
    local = clock.local(instant)
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return None
    name = "form.time_is_second" if local.fold else "form.time_is_first"
    return text(name, zone=clock.name, offset=f"{local:%z}"[:5])


def _local_in(typed: str) -> datetime | None:
    if not _LOCAL.fullmatch(typed):
        return None
    try:
        return datetime.fromisoformat(typed)
    except ValueError:
        return None


def _on(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)

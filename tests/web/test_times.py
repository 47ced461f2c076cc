"""Times as a viewer reads them."""

from datetime import UTC, datetime

import pytest

from greenroom.web.times import Clock

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Berlin", "Central European Time, Europe/Berlin"),
        ("America/New_York", "Eastern Time, America/New_York"),
        ("Pacific/Kiritimati", "Line Islands Time, Pacific/Kiritimati"),
        ("Asia/Kolkata", "India Standard Time, Asia/Kolkata"),
        ("UTC", "UTC"),
        (None, "UTC"),
        ("Mars/Olympus", "UTC"),
    ],
)
def test_a_zone_has_one_name_for_all_the_year(zone: str | None, told: str) -> None:
    assert Clock(zone).zone_all_year(NOW) == Clock(zone).zone_all_year(NOW.replace(month=7)) == told


def test_a_moment_has_the_zones_name_of_its_season() -> None:
    clock = Clock("Europe/Berlin")
    assert clock.told(NOW) == "Friday, 15 January 2027, 13:00 (Central European Standard Time, Europe/Berlin)"
    assert clock.told(NOW.replace(month=7)).endswith("14:00 (Central European Summer Time, Europe/Berlin)")


@pytest.mark.parametrize(
    ("instant", "told"),
    [
        ("2027-10-31T00:59:00Z", "02:59 (UTC+0200)"),
        ("2027-10-31T01:00:00Z", "02:00 (UTC+0100)"),
        ("2027-10-31T02:00:00Z", "03:00"),
        ("2027-03-28T00:59:00Z", "01:59"),
        ("2027-03-28T01:00:00Z", "03:00"),
        ("0001-01-01T00:00:00Z", "00:53"),
        ("9999-12-31T23:59:00Z", "23:59"),
    ],
)
def test_the_hour_that_comes_twice_says_which_it_is(instant: str, told: str) -> None:
    assert Clock("Europe/Berlin").told_time(instant) == told

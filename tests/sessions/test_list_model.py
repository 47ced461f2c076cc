"""Any list of any sessions is what a plain model says: those that pass, sorted, cut into pages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres import Owner
from tests.sessions.lists import Planted, another_brand, in_order, plant, walked

# A few of each, so that sessions and filters meet: last year, last month, this moment's far side, and months that touch.
NOW = datetime.now(UTC).replace(microsecond=0)
TIMES = [
    datetime(2031, 4, 30, 23, 59, 59, 999000, tzinfo=UTC), datetime(2031, 5, 1, tzinfo=UTC), datetime(2031, 5, 17, tzinfo=UTC),
    datetime(2031, 6, 1, tzinfo=UTC), NOW - timedelta(days=400), NOW - timedelta(hours=1), NOW + timedelta(days=1),
]  # fmt: skip
HOSTS, COMMUNITIES, CATEGORIES = ("ann", "bob"), ("knees", "feet"), ("talk", "demo")
KINDS, STATUSES = ("live", "office_hours"), ("scheduled", "live", "ended", "cancelled")

sessions_to_list = st.lists(
    st.builds(
        Planted,
        id=st.uuids(),
        at=st.sampled_from(TIMES),
        host=st.sampled_from(HOSTS),
        kind=st.sampled_from(KINDS),
        community=st.sampled_from((None, *COMMUNITIES)),
        category=st.sampled_from((None, *CATEGORIES)),
        status=st.sampled_from(STATUSES),
    ),
    max_size=25,
    unique_by=lambda one: one.id,
)
filters_to_send = st.fixed_dictionaries({}, optional={
    "host_id": st.sampled_from(HOSTS),
    "community_id": st.sampled_from(COMMUNITIES),
    "category": st.sampled_from(CATEGORIES),
    "kind": st.sampled_from(KINDS),
    "status": st.sampled_from(STATUSES),
    "upcoming": st.sampled_from(("true", "false", "1", "0")),
    "month": st.sampled_from(("2031-04", "2031-05", "2031-06", NOW.strftime("%Y-%m"))),
})  # fmt: skip


def passes(one: Planted, sent: dict[str, str]) -> bool:
    """Whether the session is of the list, in the words of the contract."""
    held = {
        "host_id": one.host, "community_id": one.community, "category": one.category, "kind": one.kind, "status": one.status,
        "month": one.at.strftime("%Y-%m"),
    }  # fmt: skip
    if sent.get("upcoming") in {"true", "1"} and not (one.status == "scheduled" and one.at >= NOW):
        return False
    return all(held[name] == value for name, value in sent.items() if name != "upcoming")


def pages_of(ids: Sequence[str], size: int) -> list[list[str]]:
    """As many on each page as fit; one empty page of nothing."""
    return [list(ids[start : start + size]) for start in range(0, max(len(ids), 1), size)]


@settings(
    max_examples=150, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(sessions=sessions_to_list, sent=filters_to_send, size=st.integers(1, 9))
async def test_the_pages_of_any_list_are_those_of_the_model(
    http: httpx.AsyncClient, owner: Owner, sessions: list[Planted], sent: dict[str, Any], size: int
) -> None:
    brand = another_brand()
    await owner.execute("delete from sessions where id = any($1)", [one.id for one in sessions])  # of another example
    await plant(owner, brand, *sessions)
    expected = in_order([one for one in sessions if passes(one, sent)])
    assert await walked(http, brand.bearer(), **sent, limit=size) == pages_of(expected, size)

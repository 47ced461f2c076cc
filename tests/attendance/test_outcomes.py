"""What became of each: one line of the table for each reason, and the moment at which one reason becomes another."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from greenroom.kit.database import Database
from tests.attendance.stage import Stage, plant_call, stage
from tests.postgres import Owner
from tests.registrations.people import answered
from tests.tenant import Tenant

Story = Callable[[Stage], Awaitable[None]]

SECOND = 1 / 60


async def stays(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", 1, 60))


async def leaves_five_minutes_before(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", 1, 55))


async def leaves_more_than_five_minutes_before(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", 1, 55 - SECOND))


async def leaves_and_comes_back(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", 1, 10), it.stay("anna", 40, 60))


async def leaves_last(it: Stage) -> None:
    """The session is ended long after, as one is whose call has been empty for a while."""
    await it.there.enter("anna")
    await it.end(60)
    await it.tell(it.stay("host_1", 0, 20), it.stay("anna", 1, 20))


async def never_comes(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted()


async def only_tries_the_sound(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", -60, -15))


async def comes_when_it_is_over(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", 60 + SECOND, 62))


async def comes_without_a_seat(it: Stage) -> None:
    await it.hosted(it.stay("anna", 1, 60))


async def is_removed(it: Stage) -> None:
    [registration] = await it.there.enter("anna")
    answered(await it.there.remove(registration), 200)
    await it.hosted()


async def is_removed_while_inside(it: Stage) -> None:
    [registration] = await it.there.enter("anna")
    await it.begin()
    await it.tell(it.stay("anna", 1, 60))
    answered(await it.there.remove(registration), 200)
    await it.hosted()


async def is_removed_and_allowed(it: Stage) -> None:
    [registration] = await it.there.enter("anna")
    answered(await it.there.remove(registration), 200)
    answered(await it.there.allow(registration), 200)
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", 1, 60))


async def is_removed_and_allowed_and_stays_away(it: Stage) -> None:
    [registration] = await it.there.enter("anna")
    answered(await it.there.remove(registration), 200)
    answered(await it.there.allow(registration), 200)
    await it.hosted()


async def gives_up_the_seat(it: Stage) -> None:
    await it.there.enter("anna")
    await it.leave("anna", -SECOND)
    await it.hosted()


async def gives_up_the_seat_once_it_began(it: Stage) -> None:
    await it.there.enter("anna")
    await it.leave("anna", 0)
    await it.hosted()


async def gives_up_the_seat_and_is_there(it: Stage) -> None:
    await it.there.enter("anna")
    await it.leave("anna", -1)
    await it.hosted(it.stay("anna", 1, 60))


STORIES: dict[Story, str] = {
    stays: "attended",
    leaves_five_minutes_before: "attended",
    leaves_more_than_five_minutes_before: "left_early",
    leaves_and_comes_back: "attended",
    leaves_last: "attended",
    never_comes: "no_show",
    only_tries_the_sound: "no_show",
    comes_when_it_is_over: "no_show",
    comes_without_a_seat: "attended",
    is_removed: "removed",
    is_removed_while_inside: "removed",
    is_removed_and_allowed: "attended",
    is_removed_and_allowed_and_stays_away: "no_show",
    gives_up_the_seat: "cancelled_in_time",
    gives_up_the_seat_once_it_began: "no_show",
    gives_up_the_seat_and_is_there: "attended",
}


@pytest.mark.parametrize(("story", "outcome"), STORIES.items(), ids=lambda one: getattr(one, "__name__", one))
async def test_what_became_of_somebody(it: Stage, story: Story, outcome: str) -> None:
    await story(it)
    assert (await it.of("anna"))["outcome"] == outcome
    totals = (await it.read())["totals"]
    counted = {name: totals[name] for name in ("attended", "left_early", "no_show", "removed", "cancelled_in_time")}
    assert counted == {**dict.fromkeys(counted, 0), "attended": 1} | {outcome: 1 + (outcome == "attended")}


@pytest.mark.parametrize(("joined", "outcome"), [(-10, "attended"), (5, "attended"), (5 + SECOND, "host_late")])
async def test_what_became_of_the_host(it: Stage, joined: float, outcome: str) -> None:
    await it.end()
    await it.tell(it.stay("host_1", joined, 60))
    assert await it.outcomes() == {"host_1": outcome}
    assert (await it.read())["totals"]["attended"] == 1


async def test_a_host_who_never_came_is_told_so(it: Stage) -> None:
    await it.there.enter("anna")
    await it.end()
    await it.tell(it.stay("anna", 0, 60))
    assert await it.outcomes() == {"anna": "attended", "host_1": "host_no_show"}
    assert (await it.read())["totals"]["no_show"] == 1


async def test_a_late_host_is_known_while_the_session_is_live(it: Stage) -> None:
    await it.begin()
    assert await it.outcomes() == {"host_1": None}
    await it.tell(it.stay("host_1", 6, None))
    assert await it.outcomes() == {"host_1": "host_late"}


async def test_a_host_who_leaves_early_has_attended(it: Stage) -> None:
    await it.there.enter("anna")
    await it.end()
    await it.tell(it.stay("host_1", 0, 10), it.stay("anna", 0, 60))
    assert (await it.of("host_1"))["outcome"] == "attended"


async def test_how_late_a_host_may_be_is_a_setting(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> None:
    it = await stage(http, tenant, owner, db)
    settings = await http.patch(f"{it.there.path}/settings", json={"host_grace_minutes": 10}, headers=tenant.bearer())
    assert settings.status_code == 200, settings.text
    await it.end()
    await it.tell(it.stay("host_1", 10, 60))
    assert await it.outcomes() == {"host_1": "attended"}


async def test_before_the_end_it_is_known_only_of_those_who_will_not_come(it: Stage) -> None:
    removed, *_ = await it.there.enter("removed", "gone", "inside", "outside", "away")
    await it.leave("gone", -5)
    answered(await it.there.remove(removed), 200)
    expected = {
        "away": None,
        "gone": "cancelled_in_time",
        "host_1": None,
        "inside": None,
        "outside": None,
        "removed": "removed",
    }
    assert await it.outcomes() == expected
    await it.begin()
    await it.tell(it.stay("inside", 1, None), it.stay("outside", 1, 2))
    assert await it.outcomes() == expected
    assert (await it.read())["status"] == "live"


async def test_of_a_session_that_was_called_off_nothing_is_told(it: Stage) -> None:
    await it.there.enter("anna", "ben")
    await it.there.leave("ben")
    await it.there.step("cancel")
    assert await it.outcomes() == {"anna": None, "ben": None, "host_1": None}


@pytest.mark.parametrize("call", ["none", "planned"])
async def test_where_nobody_could_be_in_a_call_nobody_is_said_to_have_missed_it(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database, call: str
) -> None:
    it = await stage(http, tenant, owner, db, call=False)
    if call == "planned":
        await plant_call(it, made=False)
    await it.there.enter("anna", "ben")
    await it.leave("ben", -1)
    await it.end()
    assert await it.outcomes() == {"anna": None, "ben": "cancelled_in_time", "host_1": None}
    assert (await it.read())["totals"]["no_show"] == 0


async def test_who_only_stood_in_line_is_not_listed(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    await it.there.enter("anna", "ben", "cleo")
    await it.there.leave("cleo")
    await it.hosted(it.stay("anna", 0, 60))
    assert await it.outcomes() == {"anna": "attended", "host_1": "attended"}


async def test_who_was_removed_from_the_line_is_listed(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    _, ben = await it.there.enter("anna", "ben")
    answered(await it.there.remove(ben), 200)
    await it.hosted(it.stay("anna", 0, 60))
    assert await it.outcomes() == {"anna": "attended", "ben": "removed", "host_1": "attended"}


async def test_who_stands_in_line_again_is_not_listed(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    await it.there.enter("anna", "ben")
    await it.leave("anna", -9)
    await it.there.enter("anna")
    await it.hosted(it.stay("ben", 0, 60))
    assert await it.outcomes() == {"ben": "attended", "host_1": "attended"}


async def test_who_was_removed_by_an_earlier_registration_is_removed(it: Stage) -> None:
    [first] = await it.there.enter("anna")
    await it.there.leave("anna")
    await it.there.enter("anna")
    await it.there.leave("anna")
    answered(await it.there.remove(first), 200)
    await it.hosted()
    assert await it.outcomes() == {"anna": "removed", "host_1": "attended"}


async def test_who_moved_up_from_the_line_and_gave_up_the_seat_is_listed(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    await it.there.enter("anna", "ben")
    await it.leave("anna", -9)
    await it.leave("ben", -8)
    await it.hosted()
    assert await it.outcomes() == {"anna": "cancelled_in_time", "ben": "cancelled_in_time", "host_1": "attended"}


async def test_who_gave_up_a_seat_and_then_a_place_in_line_gave_up_the_seat(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    await it.there.enter("anna", "ben")
    await it.leave("anna", -9)
    await it.there.enter("anna")
    answered(await it.there.leave("anna"), 200)
    await it.hosted(it.stay("ben", 0, 60))
    assert await it.outcomes() == {"anna": "cancelled_in_time", "ben": "attended", "host_1": "attended"}


async def test_a_co_host_is_told_as_host_and_judged_as_everybody(it: Stage) -> None:
    for user in ("host_2", "host_3"):
        await it.there.http.put(f"{it.there.path}/co-hosts/{user}", headers=it.there.tenant.bearer())
    await it.hosted(it.stay("host_2", 0, 10))
    assert (await it.of("host_2"))["role"] == "host"
    assert await it.outcomes() == {"host_1": "attended", "host_2": "left_early"}

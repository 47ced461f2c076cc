"""When people were there: devices, gaps, sound checks, and what is only concluded."""

import httpx
import pytest

from greenroom.kit.database import Database
from tests.attendance.stage import Stage, plant_call, stage
from tests.postgres import Owner
from tests.tenant import Json, Tenant

SECOND = 1 / 60


async def span_of(it: Stage, user: str) -> tuple[str | None, str | None, float]:
    """From when until when somebody was there, and how many minutes of that."""
    told = await it.of(user)
    return told["first_joined_at"], told["last_left_at"], told["minutes"]


async def totals(it: Stage) -> Json:
    found: Json = (await it.read())["totals"]
    return found


async def test_all_of_it_is_told(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted(it.stay("anna", 1.5, 60))
    assert await it.read() == {
        "attendance": [
            {
                "user_id": user,
                "role": role,
                "registration_status": status,
                "first_joined_at": it.wire(joined),
                "last_left_at": it.wire(60),
                "minutes": minutes,
                "is_inside": False,
                "is_estimated": False,
                "outcome": "attended",
            }
            for user, role, status, joined, minutes in (
                ("anna", "participant", "registered", 1.5, 58.5),
                ("host_1", "host", None, 0, 60.0),
            )
        ],
        "totals": {
            "people": 2,
            "peak": 2,
            "minutes": 118.5,
            "attended": 2,
            "left_early": 0,
            "no_show": 0,
            "removed": 0,
            "cancelled_in_time": 0,
            "is_estimated": False,
        },
        "status": "ended",
        "next_cursor": None,
    }


async def test_who_never_came_has_no_times(it: Stage) -> None:
    await it.there.enter("anna")
    await it.hosted()
    told = await it.of("anna")
    assert (await span_of(it, "anna"), told["is_inside"], told["is_estimated"]) == ((None, None, 0.0), False, False)


async def test_two_devices_at_once_are_one_person(it: Stage) -> None:
    await it.hosted(it.stay("anna", 10, 30), it.stay("anna", 20, 40))
    assert await span_of(it, "anna") == (it.wire(10), it.wire(40), 30.0)
    assert [(await totals(it))[name] for name in ("people", "peak", "minutes")] == [2, 2, 90.0]


async def test_a_device_within_the_time_of_another_adds_nothing(it: Stage) -> None:
    await it.hosted(it.stay("anna", 10, 40), it.stay("anna", 20, 30))
    assert await span_of(it, "anna") == (it.wire(10), it.wire(40), 30.0)


async def test_gaps_do_not_count_and_stays_add_up(it: Stage) -> None:
    await it.hosted(it.stay("anna", 10, 20), it.stay("anna", 30, 35), it.stay("anna", 59, 60))
    assert await span_of(it, "anna") == (it.wire(10), it.wire(60), 16.0)


async def test_minutes_have_one_decimal(it: Stage) -> None:
    await it.hosted(it.stay("anna", 10, 10 + 100 * SECOND))
    assert (await it.of("anna"))["minutes"] == 1.7


async def test_who_is_inside_has_not_left_and_the_minutes_run(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("anna", 1, 5), it.stay("anna", 10, None), it.stay("ben", 1, 5))
    anna, ben = await it.of("anna"), await it.of("ben")
    assert (anna["is_inside"], anna["last_left_at"], anna["first_joined_at"]) == (True, None, it.wire(1))
    assert 4 + 110 <= anna["minutes"] < 4 + 115
    assert (ben["is_inside"], ben["last_left_at"], ben["minutes"]) == (False, it.wire(5), 4.0)


async def test_a_sound_check_before_the_doors_does_not_count(it: Stage) -> None:
    await it.tell(it.stay("host_1", -90, -60))
    assert await span_of(it, "host_1") == (None, None, 0.0)
    await it.hosted(it.stay("host_1", -20, -15))
    assert await span_of(it, "host_1") == (it.wire(0), it.wire(60), 60.0)
    assert (await totals(it))["peak"] == 1


async def test_who_comes_early_counts_from_when_the_doors_opened(it: Stage) -> None:
    await it.end()
    await it.tell(it.stay("host_1", -30, 60))
    assert await span_of(it, "host_1") == (it.wire(-15), it.wire(60), 75.0)


async def test_the_doors_open_as_the_session_is_set(it: Stage) -> None:
    settings = {"doors_open_minutes": 5}
    answer = await it.there.http.patch(f"{it.there.path}/settings", json=settings, headers=it.there.tenant.bearer())
    assert answer.status_code == 200, answer.text
    await it.end()
    await it.tell(it.stay("host_1", -30, 60), it.stay("anna", -10, -5))
    assert await span_of(it, "host_1") == (it.wire(-5), it.wire(60), 65.0)
    assert list(await it.outcomes()) == ["host_1"]


async def test_a_session_that_was_started_before_its_doors_opened_counts_from_its_start(it: Stage) -> None:
    await it.end()
    await it.owner.execute(
        "update sessions set started_at = scheduled_at - interval '40 minutes' where id::text = $1", it.there.session["id"]
    )
    await it.tell(it.stay("host_1", -45, 60), it.stay("anna", -38, -30))
    assert await span_of(it, "host_1") == (it.wire(-40), it.wire(60), 100.0)
    assert await span_of(it, "anna") == (it.wire(-38), it.wire(-30), 8.0)


async def test_who_stays_on_counts_until_the_end(it: Stage) -> None:
    await it.hosted(it.stay("anna", 50, 75))
    assert await span_of(it, "anna") == (it.wire(50), it.wire(60), 10.0)


async def test_whose_leaving_nobody_told_was_there_until_the_end(it: Stage) -> None:
    await it.hosted(it.stay("anna", 50, None))
    assert await span_of(it, "anna") == (it.wire(50), it.wire(60), 10.0)
    assert [(await it.of("anna"))[name] for name in ("is_inside", "is_estimated")] == [False, False]


async def test_whose_leaving_nobody_told_was_there_until_the_call_emptied(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("anna", 10, None, span="first"), spans=[it.span("first", 0, 20)])
    assert await span_of(it, "anna") == (it.wire(10), it.wire(20), 10.0)
    assert not (await it.of("anna"))["is_estimated"]


async def test_who_is_seen_no_longer_left_then_as_it_seems(it: Stage) -> None:
    await it.begin()
    anna = it.stay("anna", 10, None)
    await it.tell(it.stay("host_1", 0, None, id="host"), anna)
    await it.asked(30, inside=("host",))
    told = await it.of("anna")
    assert (told["last_left_at"], told["minutes"], told["is_estimated"]) == (it.wire(30), 20.0, True)
    assert not (await it.of("host_1"))["is_estimated"]
    assert (await totals(it))["is_estimated"]


async def test_what_was_concluded_gives_way_to_what_is_told(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("anna", 10, None, id="hers"))
    await it.asked(30)
    await it.tell(it.stay("anna", 10, 25, id="hers"))
    told = await it.of("anna")
    assert (told["last_left_at"], told["minutes"], told["is_estimated"]) == (it.wire(25), 15.0, False)


async def test_who_is_seen_again_has_not_left(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("anna", 10, None, id="hers"))
    await it.asked(30)
    await it.asked(40, inside=("hers",))
    told = await it.of("anna")
    assert (told["is_inside"], told["last_left_at"], told["is_estimated"]) == (True, None, False)


async def test_who_was_not_seen_any_more_had_left_before_the_call_ended(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("anna", 10, None, span="first"), spans=[it.span("first", 0, None)])
    await it.asked(30, span="first")
    await it.tell(spans=[it.span("first", 0, 55)])
    told = await it.of("anna")
    assert (told["last_left_at"], told["minutes"], told["is_estimated"]) == (it.wire(30), 20.0, True)


async def test_what_is_asked_after_the_end_makes_no_estimate(it: Stage) -> None:
    await it.hosted(it.stay("anna", 10, None))
    await it.asked(61)
    told = await it.of("anna")
    assert (told["last_left_at"], told["minutes"], told["is_estimated"]) == (it.wire(60), 50.0, False)


async def test_whose_coming_nobody_told_was_there_since_the_call_began_as_it_seems(it: Stage) -> None:
    await it.end()
    await it.tell(it.stay("anna", None, 30, span="first"), spans=[it.span("first", 2, 60)])
    told = await it.of("anna")
    assert (told["first_joined_at"], told["minutes"], told["is_estimated"]) == (it.wire(2), 28.0, True)


async def test_of_whom_only_the_leaving_is_known_was_there_and_nobody_knows_how_long(it: Stage) -> None:
    await it.end()
    await it.tell(it.stay("anna", None, 60 + SECOND))
    told = await it.of("anna")
    assert (told["first_joined_at"], told["minutes"], told["is_estimated"]) == (it.wire(60), 0.0, True)
    assert told["outcome"] == "attended"


async def test_clocks_that_disagree_make_no_time_negative(it: Stage) -> None:
    await it.hosted(it.stay("anna", 30, 29))
    assert await span_of(it, "anna") == (it.wire(30), it.wire(30), 0.0)


@pytest.mark.parametrize(("stays", "peak"), [
    ([(0, 10), (20, 30), (40, 50)], 2),
    ([(0, 20), (10, 30), (15, 16)], 4),
    ([(0, 10), (10, 20)], 3),
    ([(0, 10), (10 + SECOND, 20)], 2),
], ids=["one after another", "three together", "at the same moment", "just not"])  # fmt: skip
async def test_the_peak_is_the_most_people_at_once(it: Stage, stays: list[tuple[float, float]], peak: int) -> None:
    await it.hosted(*(it.stay(f"user_{number}", *stay) for number, stay in enumerate(stays)))
    assert (await totals(it))["peak"] == peak


async def test_nobody_was_there(it: Stage) -> None:
    assert await totals(it) == {
        "people": 0, "peak": 0, "minutes": 0.0, "attended": 0, "left_early": 0, "no_show": 0, "removed": 0,
        "cancelled_in_time": 0, "is_estimated": False,
    }  # fmt: skip


async def test_a_host_in_the_call_is_a_session_that_began(it: Stage) -> None:
    await it.tell(it.stay("host_1", -3, None))
    page = await it.read()
    assert (page["status"], page["attendance"][0]["is_inside"]) == ("live", True)


async def test_another_sessions_people_are_not_listed(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    one, other = await stage(http, tenant, owner, db), await stage(http, tenant, owner, db)
    await one.hosted(one.stay("anna", 0, 60))
    await other.hosted(other.stay("ben", 0, 60))
    assert list(await other.outcomes()) == ["ben", "host_1"]


async def test_who_was_there_is_listed_though_the_call_was_made_by_who_told_nobody(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    """The process that made the call died before it could say so; the provider's word is enough."""
    it = await stage(http, tenant, owner, db, call=False)
    await plant_call(it, made=False)
    await it.there.enter("anna")
    await it.end()
    await it.tell(it.stay("host_1", 0, 60), spans=[it.span("first", 0, 60)])
    assert await it.outcomes() == {"anna": "no_show", "host_1": "attended"}

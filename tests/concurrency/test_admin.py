"""Administrators, hosts and co-hosts at the same session, and administrators at the same brand, at the same moment."""

from collections.abc import AsyncIterator
from itertools import cycle, pairwise
from typing import Any

import asyncpg
import httpx
import pytest

from tests.administration.admins import administer
from tests.concurrency.arena import LOCK, Arena, replace_functions
from tests.concurrency.history import Contest, at_once, shown, statuses
from tests.session_settings.said import BRAND_SETTINGS, BRANDS, admin, holding, of_brand
from tests.tenant import Json

ROUNDS = 20
WIDE_ROUNDS = 4
FEW = 8
PAUSE_SECONDS = 0.09  # longer than the host's edit dawdles: without the lock what the host wrote is written over
OURS = ("administer_session_v1", "change_co_host_v1", "change_session_settings_v1", "change_brand_settings_v1")


@pytest.fixture
async def sources(arena: Arena) -> AsyncIterator[list[str]]:
    """Our functions as the migrations made them; put back afterwards."""
    owner = await asyncpg.connect(arena.database.owner_url)
    found = [str(await owner.fetchval("select pg_get_functiondef($1::regproc)", name)) for name in OURS]
    await owner.close()
    assert all(LOCK.search(source) for source in found)
    yield found
    await replace_functions(arena.database, found)


@pytest.fixture
async def slow(wide: Contest, arena: Arena, sources: list[str]) -> Contest:
    """The service with a pause between what it reads and what it writes."""
    await replace_functions(arena.database, [LOCK.sub(paused(locked=True), source) for source in sources])
    return wide


@pytest.fixture
async def lockless(unlocked: Contest, arena: Arena, sources: list[str]) -> Contest:
    """The negative control: the same pause, and no lock."""
    await replace_functions(arena.database, [LOCK.sub(paused(locked=False), source) for source in sources])
    return unlocked


def paused(*, locked: bool) -> str:
    return f"{'for no key update' if locked else ''}; perform pg_sleep({PAUSE_SECONDS});"


async def put(contest: Contest, session: Json, user: str) -> httpx.Response:
    return await contest.http.put(f"/v1/sessions/{session['id']}/co-hosts/{user}", headers=contest.tenant.bearer())


async def brand_says(contest: Contest, said: Json) -> httpx.Response:
    return await contest.http.patch(BRAND_SETTINGS, json=said, headers=admin(contest.tenant))


async def version_of(contest: Contest, session: Json) -> int:
    read = await contest.http.get(f"/v1/sessions/{session['id']}", headers=contest.tenant.bearer())
    return int(read.headers["etag"].strip('"').partition(".")[0])


async def assert_told_whole(contest: Contest, session: Json) -> None:
    """Versions without a gap, each with one audit row and its events, and times that rise."""
    changes = await contest.changes(session)
    assert [change.version for change in changes] == list(range(1, await version_of(contest, session) + 1))
    assert all(earlier.at < later.at for earlier, later in pairwise(changes))
    extra = sum("scheduled_at" in change.changed for change in changes)
    edits_beside = sum(change.action == "session.reinstated" and len(change.changed) > 1 for change in changes)
    assert len(await contest.events(session)) == len(changes) + extra + edits_beside


async def lost_of_two(contest: Contest, rounds: int) -> int:
    """How many changes of an administrator and the host, of different fields and at once, are not there afterwards."""
    session = await contest.tenant.session(contest.http)
    lost = 0
    for number in range(rounds):
        answers = await at_once(
            administer(contest.http, contest.tenant, session, {"category": f"{number}"}),
            contest.tenant.patch(contest.http, session, {"title": f"Round {number}"}),
        )
        assert statuses(answers) == [200, 200]
        found = await contest.read(session)
        lost += (found["category"] != f"{number}") + (found["title"] != f"Round {number}")
    return lost


async def winners(contest: Contest) -> list[int]:
    """The statuses of an administrator's and the host's change, each to be made on the first version alone."""
    session = await contest.tenant.session(contest.http)
    return statuses(
        await at_once(
            administer(contest.http, contest.tenant, session, {"title": "A"}, If_Match='"1.0.0.0"'),
            contest.tenant.patch(contest.http, session, {"title": "B"}, If_Match='"1.0.0.0"'),
        )
    )


async def added_at_once(contest: Contest, users: list[str]) -> list[str]:
    """The co-hosts that an administrator sees after all of them were added."""
    session = await contest.tenant.session(contest.http)
    answers = await at_once(*(put(contest, session, user) for user in users))
    assert set(statuses(answers)) == {200}
    seen = await administer(contest.http, contest.tenant, session, {})
    found: list[str] = seen.json()["co_host_ids"]
    return found


async def brands_changes(contest: Contest) -> list[list[str]]:
    """What the audit says of the brand, by version."""
    async with contest.owner() as owner:
        rows = await owner.fetch(
            "select a.changed, a.entity_version, count(e.id) as events from audit_log a left join all_events_any_brand_v1() e"
            " on e.brand_id = a.brand_id and e.session_id is null and (e.payload ->> 'version')::integer = a.entity_version"
            " where a.brand_id = $1 and a.entity = 'brand' group by 1, 2 order by 2", contest.tenant.brand,
        )  # fmt: skip
    assert [(row["entity_version"], row["events"]) for row in rows] == [(n, 1) for n in range(1, len(rows) + 1)]
    return [row["changed"] for row in rows]


async def test_the_administrators_and_the_hosts_change_both_survive(contest: Contest) -> None:
    assert await lost_of_two(contest, ROUNDS) == 0


async def test_both_survive_a_wide_window(slow: Contest) -> None:
    assert await lost_of_two(slow, WIDE_ROUNDS) == 0


async def test_without_the_lock_one_of_the_two_is_lost(lockless: Contest) -> None:
    assert await shown(lambda: lost_of_two(lockless, 1), bool)


async def test_of_two_changes_of_one_version_exactly_one_wins(contest: Contest) -> None:
    assert [await winners(contest) for _ in range(ROUNDS)] == [[200, 412]] * ROUNDS


async def test_of_two_changes_of_one_version_one_wins_in_a_wide_window(slow: Contest) -> None:
    assert [await winners(slow) for _ in range(WIDE_ROUNDS)] == [[200, 412]] * WIDE_ROUNDS


async def test_without_the_lock_both_win(lockless: Contest) -> None:
    assert await shown(lambda: winners(lockless), lambda won: won == [200, 200])


@pytest.mark.parametrize("verb", ["start", "cancel"])
@pytest.mark.parametrize("body", [
    {"title": "Moved", "scheduled_at": "2027-04-01T09:00:00Z"}, {"status": "cancelled"}, {"status": "scheduled", "tags": ["x"]},
], ids=["moved", "cancelled", "kept"])  # fmt: skip
async def test_a_change_and_a_step_at_once_leave_a_life_that_can_be_told(contest: Contest, verb: str, body: Json) -> None:
    for _ in range(FEW):
        session = await contest.tenant.session(contest.http)
        changed, stepped = await at_once(
            administer(contest.http, contest.tenant, session, body), contest.tenant.step(contest.http, session, verb)
        )
        await assert_told_whole(contest, session)
        lived = [change.action.removeprefix("session.") for change in await contest.changes(session)]
        assert_answers_are_the_life(changed, stepped, lived=lived[1:], verb=verb, body=body)


def assert_answers_are_the_life(
    changed: httpx.Response, stepped: httpx.Response, *, lived: list[str], verb: str, body: Json
) -> None:
    """Either of the two came first; what the other was told is what the first one left it."""
    step = {"start": "started", "cancel": "cancelled"}[verb]
    told = (changed.status_code, stepped.status_code)
    if body.get("status") == "cancelled":
        allowed = {
            "start": [((412, 200), [step]), ((200, 412), ["cancelled"])],
            "cancel": [((200, 200), ["cancelled"])],
        }[verb]
    elif body.get("status") == "scheduled" and verb == "cancel":  # which reinstates what was cancelled before it
        allowed = [((200, 200), ["updated", step]), ((200, 200), [step, "reinstated"])]
    else:
        allowed = [((200, 200), ["updated", step]), ((412, 200), [step])]
    assert (told, lived) in allowed


async def test_cancelling_and_reinstating_at_once_have_no_half_effect(contest: Contest) -> None:
    session = await contest.tenant.session(contest.http)
    for _ in range(FEW):
        answers = await at_once(
            *(administer(contest.http, contest.tenant, session, {"status": status}) for status in ("cancelled", "scheduled"))
        )
        assert statuses(answers) == [200, 200]
    await assert_told_whole(contest, session)
    steps = [change.action for change in (await contest.changes(session))[1:]]
    assert all(one != following for one, following in pairwise(["session.reinstated", *steps]))


async def test_reinstated_by_two_at_once_is_reinstated_once(contest: Contest) -> None:
    for _ in range(FEW):
        session = await contest.tenant.session(contest.http)
        await contest.tenant.step(contest.http, session, "cancel")
        answers = await at_once(*(administer(contest.http, contest.tenant, session, {"status": "scheduled"}) for _ in range(2)))
        assert (statuses(answers), await version_of(contest, session)) == ([200, 200], 3)


async def test_changes_of_every_sort_at_once_leave_one_history(contest: Contest) -> None:
    session = await contest.tenant.session(contest.http)
    settings = f"/v1/sessions/{session['id']}/settings"
    answers = await at_once(
        *(administer(contest.http, contest.tenant, session, {"tags": [f"{n}"]}) for n in range(FEW)),
        *(contest.tenant.patch(contest.http, session, {"max_participants": 200 + n}) for n in range(FEW)),
        *(put(contest, session, f"co_{n}") for n in range(FEW)),
        *(contest.http.patch(settings, json={"overrun_minutes": n}, headers=contest.tenant.bearer()) for n in range(FEW)),
    )
    assert set(statuses(answers)) == {200}
    await assert_told_whole(contest, session)
    assert await version_of(contest, session) == 4 * FEW + 1


async def test_co_hosts_added_at_once_are_all_there(contest: Contest) -> None:
    users = [f"co_{number}" for number in range(ROUNDS)]
    assert sorted(await added_at_once(contest, users)) == sorted(users)


async def test_co_hosts_added_at_once_are_all_there_in_a_wide_window(slow: Contest) -> None:
    assert sorted(await added_at_once(slow, ["co_1", "co_2", "co_3"])) == ["co_1", "co_2", "co_3"]


async def test_without_the_lock_a_co_host_is_lost(lockless: Contest) -> None:
    assert await shown(lambda: added_at_once(lockless, ["co_1", "co_2", "co_3"]), lambda left: len(left) < 3)


async def test_one_co_host_added_twice_at_once_is_one_change(contest: Contest) -> None:
    session = await contest.tenant.session(contest.http)
    answers = await at_once(*(put(contest, session, "co_1") for _ in range(FEW)))
    assert (set(statuses(answers)), await version_of(contest, session)) == ({200}, 2)


async def test_the_hundredth_co_host_is_one_of_those_who_come_at_once(contest: Contest) -> None:
    session = await contest.tenant.session(contest.http)
    await administer(contest.http, contest.tenant, session, {"co_host_ids": [f"co_{n}" for n in range(98)]})
    answers = await at_once(*(put(contest, session, f"late_{n}") for n in range(FEW)))
    assert statuses(answers) == [200] * 2 + [400] * (FEW - 2)


async def test_who_is_removed_while_editing_edits_before_or_not_at_all(contest: Contest) -> None:
    for _ in range(FEW):
        session = await contest.tenant.session(contest.http)
        await put(contest, session, "co_1")
        edited, removed = await at_once(
            contest.tenant.patch(contest.http, session, {"title": "By co_1"}, user="co_1"),
            contest.http.delete(f"/v1/sessions/{session['id']}/co-hosts/co_1", headers=contest.tenant.bearer()),
        )
        lived = [change.changed for change in await contest.changes(session)][2:]
        assert (edited.status_code, removed.status_code, lived) in [
            (200, 200, [["title"], ["co_host_ids"]]), (403, 200, [["co_host_ids"]]),
        ]  # fmt: skip


async def first_words(contest: Contest, said: dict[str, Any]) -> list[int]:
    """Each setting is said by somebody else, all at once, of a brand that has said nothing yet."""
    return statuses(await at_once(*(brand_says(contest, {name: value}) for name, value in said.items())))


async def test_what_several_say_first_of_a_brand_is_all_kept(contest: Contest) -> None:
    assert await first_words(contest, BRANDS) == [200] * len(BRANDS)
    assert await of_brand(contest.http, contest.tenant) == holding(brand=BRANDS)
    assert sorted(await brands_changes(contest)) == sorted([f"settings.{name}"] for name in BRANDS)


async def test_what_two_say_first_of_a_brand_is_kept_in_a_wide_window(slow: Contest) -> None:
    said = {"moderation": False, "anonymous": False}
    assert await first_words(slow, said) == [200, 200]
    assert await of_brand(slow.http, slow.tenant) == holding(brand=said)
    assert len(await brands_changes(slow)) == 2


async def test_the_same_word_at_once_is_one_change(slow: Contest) -> None:
    answers = await at_once(*(brand_says(slow, {"moderation": False}) for _ in range(3)))
    assert statuses(answers) == [200] * 3
    assert await brands_changes(slow) == [["settings.moderation"]]


async def test_without_the_lock_the_same_word_is_several_changes(lockless: Contest) -> None:
    await brand_says(lockless, {"anonymous": False})
    words = cycle([False, True])

    async def changes_by_one_word() -> int:
        before, word = len(await brands_changes(lockless)), next(words)
        await at_once(*(brand_says(lockless, {"moderation": word}) for _ in range(3)))
        return len(await brands_changes(lockless)) - before

    assert await shown(changes_by_one_word, lambda changes: changes > 1)

"""Edits of one session at the same moment: each is made whole, in one order, on top of the one before."""

from itertools import pairwise

import httpx

from tests.concurrency.history import Contest, at_once, shown, statuses
from tests.tenant import Json

ROUNDS = 50
WIDE_ROUNDS = 5
WRITERS = 24
WIDE_WRITERS = 8


async def lost_edits(contest: Contest, rounds: int) -> int:
    """How many of two edits, of different fields and at once, are not there afterwards."""
    session = await contest.tenant.session(contest.http)
    lost = 0
    for number in range(rounds):
        wanted: Json = {"title": f"Round {number}", "max_participants": 200 + number}
        answers = await at_once(
            *(contest.tenant.patch(contest.http, session, {field: value}) for field, value in wanted.items())
        )
        assert statuses(answers) == [200, 200]
        found = await contest.read(session)
        lost += sum(found[field] != value for field, value in wanted.items())
    return lost


async def merged_by_many(contest: Contest, writers: int) -> tuple[Json, list[httpx.Response]]:
    """A session to whose metadata so many writers each add a key of their own, at once; and their answers."""
    session = await contest.tenant.session(contest.http)
    answers = await at_once(
        *(
            contest.tenant.patch(
                contest.http, session, {"metadata": {f"writer_{n}": n}}, Content_Type="application/merge-patch+json"
            )
            for n in range(writers)
        )
    )
    assert statuses(answers) == [200] * writers
    return session, answers


async def changes_by_two_alike(contest: Contest) -> int:
    """How many changes two edits leave that are the same and come at once."""
    session = await contest.tenant.session(contest.http)
    answers = await at_once(*(contest.tenant.patch(contest.http, session, {"title": "Alike"}) for _ in range(2)))
    assert statuses(answers) == [200, 200]
    return len(await contest.changes(session)) - 1


async def winners_of_one_version(contest: Contest) -> list[int]:
    """The statuses of two edits that are each to be made on the first version alone."""
    session = await contest.tenant.session(contest.http)
    answers = await at_once(
        *(contest.tenant.patch(contest.http, session, {"title": title}, If_Match='"1.0.0.0"') for title in ("A", "B"))
    )
    return statuses(answers)


async def test_edits_of_different_fields_at_once_both_survive(contest: Contest) -> None:
    assert await lost_edits(contest, ROUNDS) == 0


async def test_edits_of_different_fields_survive_a_wide_window(wide: Contest) -> None:
    assert await lost_edits(wide, WIDE_ROUNDS) == 0


async def test_without_the_lock_an_edit_of_another_field_is_lost(unlocked: Contest) -> None:
    assert await shown(lambda: lost_edits(unlocked, 1), bool)


async def test_edits_of_the_same_field_at_once_are_two_changes_of_consecutive_versions(contest: Contest) -> None:
    session = await contest.tenant.session(contest.http)
    for number in range(ROUNDS):
        answers = await at_once(
            *(contest.tenant.patch(contest.http, session, {"title": f"{side} {number}"}) for side in ("left", "right"))
        )
        assert statuses(answers) == [200, 200]
    changes = await contest.changes(session)
    assert [change.version for change in changes] == list(range(1, 2 * ROUNDS + 2))
    assert {tuple(change.changed) for change in changes[1:]} == {("title",)}


async def test_of_edits_of_the_same_field_the_one_of_the_last_version_stays(contest: Contest) -> None:
    session = await contest.tenant.session(contest.http)
    for number in range(ROUNDS):
        answers = await at_once(
            *(contest.tenant.patch(contest.http, session, {"title": f"{side} {number}"}) for side in ("left", "right"))
        )
        last = max(answers, key=lambda answer: int(answer.headers["etag"].strip('"').partition(".")[0]))
        assert await contest.read(session) == last.json()


async def test_each_edit_is_answered_with_what_it_wrote(contest: Contest) -> None:
    session = await contest.tenant.session(contest.http)
    titles = [f"Title {number}" for number in range(WRITERS)]
    answers = await at_once(*(contest.tenant.patch(contest.http, session, {"title": title}) for title in titles))
    assert [answer.json()["title"] for answer in answers] == titles


async def test_two_equal_edits_at_once_are_one_change(contest: Contest) -> None:
    assert [await changes_by_two_alike(contest) for _ in range(ROUNDS // 2)] == [1] * (ROUNDS // 2)


async def test_two_equal_edits_are_one_change_in_a_wide_window(wide: Contest) -> None:
    assert await changes_by_two_alike(wide) == 1


async def test_without_the_lock_two_equal_edits_are_two_changes(unlocked: Contest) -> None:
    assert await shown(lambda: changes_by_two_alike(unlocked), lambda changes: changes == 2)


async def test_many_writers_leave_a_version_an_audit_row_and_an_event_each(contest: Contest) -> None:
    session, answers = await merged_by_many(contest, WRITERS)
    versions = sorted(int(answer.headers["etag"].strip('"').partition(".")[0]) for answer in answers)
    assert versions == list(range(2, WRITERS + 2))
    assert [change.version for change in await contest.changes(session)] == [1, *versions]
    assert await contest.events(session) == ["live.session.created.v1", *["live.session.updated.v1"] * WRITERS]


async def test_many_writers_make_updated_at_rise_with_every_version(contest: Contest) -> None:
    session, answers = await merged_by_many(contest, WRITERS)
    times = [change.at for change in await contest.changes(session)]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert max(answer.json()["updated_at"] for answer in answers) == (await contest.read(session))["updated_at"]


async def test_what_many_writers_merge_is_all_there(contest: Contest) -> None:
    session, _ = await merged_by_many(contest, WRITERS)
    assert (await contest.read(session))["metadata"] == {f"writer_{n}": n for n in range(WRITERS)}


async def test_what_many_writers_merge_is_all_there_in_a_wide_window(wide: Contest) -> None:
    session, _ = await merged_by_many(wide, WIDE_WRITERS)
    assert len((await wide.read(session))["metadata"]) == WIDE_WRITERS


async def test_without_the_lock_what_others_merge_is_lost(unlocked: Contest) -> None:
    async def left() -> int:
        session, _ = await merged_by_many(unlocked, WIDE_WRITERS)
        return len((await unlocked.read(session))["metadata"])

    assert await shown(left, lambda writers: writers < WIDE_WRITERS)


async def test_of_two_edits_of_one_version_exactly_one_wins(contest: Contest) -> None:
    assert [await winners_of_one_version(contest) for _ in range(ROUNDS // 2)] == [[200, 412]] * (ROUNDS // 2)


async def test_of_two_edits_of_one_version_exactly_one_wins_in_a_wide_window(wide: Contest) -> None:
    assert [await winners_of_one_version(wide) for _ in range(WIDE_ROUNDS)] == [[200, 412]] * WIDE_ROUNDS


async def test_without_the_lock_two_edits_of_one_version_both_win(unlocked: Contest) -> None:
    assert await shown(lambda: winners_of_one_version(unlocked), lambda won: won == [200, 200])

"""The same person, and the same idempotency key, twice at the same moment in two processes."""

import httpx

from tests.concurrency.arena import Functions, replace_functions
from tests.concurrency.hall import Hall, words
from tests.concurrency.history import at_once, shown
from tests.concurrency.seats_arena import ONE_PER_PERSON, without_index
from tests.tenant import Json

ROUNDS, WIDE_ROUNDS = 10, 3
REQUESTS = 6
KEY = "the same"


async def came_twice(hall: Hall) -> tuple[list[httpx.Response], int]:
    """The answers to one who registers twice at once, and how many registrations that makes."""
    session = await hall.filled(capacity=5)
    answers = await at_once(hall.register(session, "ann"), hall.register(session, "ann"))
    return answers, len(await hall.there(session, "registered"))


async def came_twice_with_a_key(hall: Hall, requests: int) -> tuple[list[httpx.Response], list[str]]:
    """The answers to one who registers so many times at once with one key, and who sits then."""
    session = await hall.filled(capacity=5)
    answers = await at_once(*(hall.register(session, "ann", Idempotency_Key=KEY) for _ in range(requests)))
    return answers, await hall.there(session, "registered")


async def guests_by_one_key(hall: Hall) -> tuple[list[str], int]:
    """What the host is answered who registers two guests at once with one key, and how many sit then."""
    session = await hall.filled(capacity=5)
    bodies: list[Json] = [{"guest_email": "ann@example.com"}, {"guest_email": "bob@example.com"}]
    answers = await at_once(*(hall.take_seat(session, "host_1", body, Idempotency_Key=KEY) for body in bodies))
    return words(answers), len(await hall.there(session, "registered"))


async def test_who_registers_twice_at_once_has_one_seat(hall: Hall) -> None:
    for _ in range(ROUNDS):
        (one, other), rows = await came_twice(hall)
        assert (one.status_code, one.json(), rows) == (201, other.json(), 1)


async def test_who_registers_twice_at_once_has_one_seat_in_a_wide_window(wide_hall: Hall) -> None:
    for _ in range(WIDE_ROUNDS):
        (one, other), rows = await came_twice(wide_hall)
        assert (one.status_code, one.json(), rows) == (201, other.json(), 1)


async def test_who_takes_a_seat_twice_at_once_has_it_once(hall: Hall) -> None:
    for _ in range(ROUNDS):
        session = await hall.filled(capacity=5)
        answers = await at_once(*(hall.take_seat(session, "ann") for _ in range(REQUESTS)))
        assert words(answers) == ["201", *["conflict"] * (REQUESTS - 1)]


async def test_a_guest_who_is_registered_twice_at_once_has_one_seat_whatever_the_case(hall: Hall) -> None:
    for _ in range(ROUNDS):
        session = await hall.filled(capacity=5)
        bodies: list[Json] = [{"guest_email": email} for email in ("ann@example.com", "Ann@Example.com")]
        assert words(await at_once(*(hall.take_seat(session, "host_1", body) for body in bodies))) == ["201", "conflict"]


async def test_the_lock_alone_gives_one_seat(wide_hall: Hall) -> None:
    async with without_index(wide_hall.database, ONE_PER_PERSON):
        assert [(await came_twice(wide_hall))[1] for _ in range(WIDE_ROUNDS)] == [1] * WIDE_ROUNDS


async def test_the_index_alone_gives_one_seat(unlocked_hall: Hall) -> None:
    assert [(await came_twice(unlocked_hall))[1] for _ in range(WIDE_ROUNDS)] == [1] * WIDE_ROUNDS


async def test_without_the_lock_and_the_index_who_comes_twice_has_two_seats(unlocked_hall: Hall) -> None:
    async with without_index(unlocked_hall.database, ONE_PER_PERSON):
        assert await shown(lambda: came_twice(unlocked_hall), lambda came: came[1] == 2)
        assert any("one active registration" in finding for finding in await unlocked_hall.broken())


async def test_one_key_many_times_at_once_has_one_effect(hall: Hall) -> None:
    for _ in range(ROUNDS):
        answers, seated = await came_twice_with_a_key(hall, REQUESTS)
        assert seated == ["ann"]
        done = [answer for answer in answers if answer.status_code == httpx.codes.CREATED]
        assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
        assert all(answer.json() == done[0].json() for answer in done)
        refused = [(answer.json()["error"], answer.headers["retry-after"]) for answer in answers if answer not in done]
        assert refused == [("conflict", "1")] * (REQUESTS - len(done))


async def test_one_key_twice_at_once_has_one_effect_in_a_wide_window(wide_hall: Hall) -> None:
    for _ in range(WIDE_ROUNDS):
        answers, seated = await came_twice_with_a_key(wide_hall, 2)
        assert (words(answers), seated) == (["conflict", "registered"], ["ann"])


async def test_the_key_alone_gives_one_seat(unlocked_hall: Hall, functions: Functions) -> None:
    await replace_functions(unlocked_hall.database, [functions.slow_to_claim(locked=True)])
    async with without_index(unlocked_hall.database, ONE_PER_PERSON):
        for _ in range(WIDE_ROUNDS):
            assert (await came_twice_with_a_key(unlocked_hall, 2))[1] == ["ann"]


async def test_without_the_keys_lock_one_key_gives_two_seats(unlocked_hall: Hall) -> None:
    async with without_index(unlocked_hall.database, ONE_PER_PERSON):
        assert await shown(lambda: came_twice_with_a_key(unlocked_hall, 2), lambda came: came[1] == ["ann", "ann"])


async def test_one_key_for_two_guests_at_once_registers_one(hall: Hall) -> None:
    for _ in range(ROUNDS):
        said, rows = await guests_by_one_key(hall)
        assert (said[0], rows) == ("201", 1)
        assert said[1] in {"conflict", "idempotency_key_payload_mismatch"}


async def test_one_key_for_two_guests_at_once_registers_one_in_a_wide_window(wide_hall: Hall) -> None:
    assert [await guests_by_one_key(wide_hall) for _ in range(WIDE_ROUNDS)] == [(["201", "conflict"], 1)] * WIDE_ROUNDS


async def test_without_the_keys_lock_one_key_registers_two_guests(wide_hall: Hall, functions: Functions) -> None:
    await replace_functions(wide_hall.database, [functions.slow_to_claim(locked=False)])
    assert await shown(lambda: guests_by_one_key(wide_hall), lambda came: came == (["201", "201"], 2))

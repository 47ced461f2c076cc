"""Several at once at one session, through two processes: some order explains every answer."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from tests.concurrency.arena import Arena
from tests.concurrency.hall import Hall
from tests.concurrency.history import shown
from tests.concurrency.legal_order import Call, legal_order
from tests.concurrency.room import Command, Room, after
from tests.concurrency.room_wire import answer_of, person, request_of
from tests.tenant import Json

HISTORIES, WIDE_HISTORIES = 60, 5

THERE, NEWCOMERS = ["ann", "bob", "cid", "dee"], ["eve", "fay"]
WHO, ANYBODY = st.sampled_from(THERE), st.sampled_from([*THERE, *NEWCOMERS])
GUEST = st.just("guy@example.com")


# People come and go more often than the host acts; those whom the host removes were there before, so that their ids are known.
A_COMMAND = (
    st.builds(Command, st.sampled_from(["register", "leave", "take_seat", "register", "leave", "ask", "look"]), ANYBODY)
    | st.builds(Command, st.sampled_from(["remove", "allow", "seat_for"]), WHO)
    | st.builds(Command, st.just("bring"), GUEST, st.integers(0, 2))
    | st.builds(Command, st.just("resize"), st.just(""), st.integers(1, 4))
    | st.builds(Command, st.sampled_from(["start", "end", "cancel", "reinstate", "list"]))
)


class Plan(Struct, frozen=True):
    """So many seats, who has left already, and what each client asks, one after the other."""

    seats: int
    left: list[str]
    clients: list[list[Command]]


PLANS = st.builds(
    Plan,
    st.integers(1, 3),
    st.lists(WHO, unique=True, max_size=3),
    st.lists(st.lists(A_COMMAND, min_size=1, max_size=3), min_size=2, max_size=3),
)
SETTINGS = settings(
    deadline=None, database=None, phases=[Phase.generate],  # what a race has shown need not show again: nothing is shrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


class Meeting:
    """A session at which several clients ask at once."""

    def __init__(self, hall: Hall, session: Json) -> None:
        self.hall = hall
        self.session = session
        self.ids: dict[str, str] = {}

    async def ask(self, client: httpx.AsyncClient, command: Command) -> Call:
        sent = request_of(command, self.session, self.ids)
        clock = asyncio.get_running_loop().time
        asked = clock()
        response = await client.request(sent.method, sent.path, **sent.arguments(self.hall.tenant))
        answered = clock()
        return Call(command, answer_of(command, response), asked, answered)

    async def ask_in_turn(self, client: httpx.AsyncClient, commands: Sequence[Command]) -> list[Call]:
        return [await self.ask(client, command) for command in commands]

    async def open(self, room: Room, before: Sequence[Command]) -> Room:
        """The state after these, each of which was answered as foretold."""
        for command in before:
            room, expected = after(room, command)
            assert (await self.ask(self.hall.http, command)).answer == expected
        listed = await self.hall.http.get(f"/v1/sessions/{self.session['id']}/registrations", headers=self.hall.tenant.bearer())
        self.ids = {person(row): row["id"] for row in listed.json()["registrations"]}
        return room


async def held(hall: Hall, arena: Arena, plan: Plan) -> tuple[Room, list[Call]]:
    """The state before, and all that was asked and answered; the last is what the host sees in the end."""
    meeting = Meeting(hall, await hall.tenant.session(hall.http, max_participants=plan.seats))
    before = [*(Command("register", who) for who in THERE), *(Command("leave", who) for who in plan.left)]
    room = await meeting.open(Room(plan.seats), before)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(arena.client(first=number)) for number in range(len(plan.clients))]
        asked = zip(clients, plan.clients, strict=True)
        calls = await asyncio.gather(*(meeting.ask_in_turn(client, commands) for client, commands in asked))
    end = await meeting.ask(hall.http, Command("list"))
    return room, [*(call for own in calls for call in own), end]


def told(calls: Sequence[Call]) -> str:
    """The history, to be read when no order explains it."""
    return "\n" + "\n".join(str(call) for call in sorted(calls, key=lambda call: call.asked))


@settings(SETTINGS, max_examples=HISTORIES)
@given(plan=PLANS)
async def test_some_order_explains_what_was_answered(hall: Hall, arena: Arena, plan: Plan) -> None:
    room, calls = await held(hall, arena, plan)
    assert legal_order(room, calls) is not None, told(calls)


@settings(SETTINGS, max_examples=WIDE_HISTORIES)
@given(plan=PLANS)
async def test_some_order_explains_it_in_a_wide_window(wide_hall: Hall, arena: Arena, plan: Plan) -> None:
    room, calls = await held(wide_hall, arena, plan)
    assert legal_order(room, calls) is not None, told(calls)


RACES = [
    Plan(3, ["cid", "dee"], [[Command("register", who)] for who in ("eve", "fay", "cid")]),
    Plan(3, [], [[Command("leave", "ann"), Command("ask", "dee")], [Command("leave", "bob"), Command("list")]]),
    Plan(1, [], [[Command("start")], [Command("register", "eve"), Command("ask", "eve")], [Command("leave", "ann")]]),
]


async def test_with_the_lock_an_order_explains_it(wide_hall: Hall, arena: Arena) -> None:
    histories = [await held(wide_hall, arena, plan) for plan in RACES]
    assert None not in [legal_order(room, calls) for room, calls in histories]


async def test_without_the_lock_no_order_explains_it(unlocked_hall: Hall, arena: Arena) -> None:
    async def orders() -> list[object]:
        return [legal_order(*await held(unlocked_hall, arena, plan)) for plan in RACES]

    assert await shown(orders, lambda found: None in found)

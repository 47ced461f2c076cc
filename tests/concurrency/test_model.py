"""One session: whatever its people do in whatever order, the model foretold it."""

import asyncio
from itertools import cycle
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId
from tests.concurrency.arena import Arena
from tests.concurrency.hall import Hall
from tests.concurrency.room import Command, Room, Verb, after
from tests.concurrency.room_wire import CREATES, answer_of, request_of
from tests.tenant import Json, Tenant

WALKS, STEPS = 30, 40

PEOPLE = ["ann", "bob", "cid", "dee"]
GUESTS = ["guy@example.com"]
LATE = 25  # requests
FOR_GOOD = {("start", "scheduled"), ("end", "live")}
WHO, GUEST, ANYBODY = st.sampled_from(PEOPLE), st.sampled_from(GUESTS), st.sampled_from([*PEOPLE, *GUESTS])
FEW = st.integers(1, 4)
NTH = st.integers(0, 3)  # which of a person's registrations is named: it stands for the person


class Walk(RuleBasedStateMachine):
    """The service, two processes of it in turn, and beside it the model; every rule asks both."""

    def __init__(self, arena: Arena) -> None:
        super().__init__()
        self.arena = arena
        self.http = httpx.Client(timeout=30)
        self.urls = cycle([server.url for server in arena.servers])
        self.tenant = Tenant(BrandId(f"brand-{uuid4().hex[:12]}"))
        self.ids: dict[str, list[str]] = {}  # of each person all registrations, in their order
        self.edits: list[httpx.Response] = []
        self.asked = 0

    @initialize(seats=FEW, first=st.lists(WHO, min_size=3, unique=True))
    def a_session_is_announced_and_people_come(self, seats: int, first: list[str]) -> None:
        created = self.http.post(
            f"{next(self.urls)}/v1/sessions",
            json=self.tenant.wanted(max_participants=seats), headers=self.tenant.bearer(),
        )  # fmt: skip
        self.session: Json = created.json()
        self.room = Room(seats)
        for who in first:
            self.ask_both("register", who)

    @rule(who=WHO)
    def somebody_registers(self, who: str) -> None:
        self.ask_both("register", who)

    @rule(who=WHO, verb=st.sampled_from(["register", "take_seat", "seat_for"]))
    def somebody_comes(self, who: str, verb: Verb) -> None:
        self.ask_both(verb, who)

    @rule(who=GUEST, written=st.integers(0, 2))
    def the_host_brings_a_guest(self, who: str, written: int) -> None:
        self.ask_both("bring", who, written)

    @rule(who=WHO)
    def somebody_leaves(self, who: str) -> None:
        self.ask_both("leave", who)

    @rule(who=ANYBODY, nth=NTH, verb=st.sampled_from(["remove", "remove", "allow"]))
    def the_host_removes_or_allows_somebody(self, who: str, nth: int, verb: Verb) -> None:
        self.ask_both(verb, who, nth)

    @rule(who=WHO)
    def somebody_leaves_and_comes_back(self, who: str) -> None:
        self.ask_both("leave", who)
        self.ask_both("register", who)

    @rule(who=ANYBODY, nth=NTH)
    def somebody_is_removed_and_tries_again_and_is_allowed(self, who: str, nth: int) -> None:
        comes: Verb = "bring" if who in GUESTS else "register"
        for verb, number in ((comes, 0), ("remove", nth), (comes, 1), ("allow", nth + 1), (comes, 2)):
            self.ask_both(verb, who, number)

    @precondition(lambda self: self.room.status == "scheduled")
    @rule(who=WHO)
    def it_is_called_off_for_a_while_and_somebody_leaves(self, who: str) -> None:
        self.ask_both("cancel")
        self.ask_both("leave", who)
        self.ask_both("reinstate")

    @rule(seats=FEW)
    def the_host_changes_the_number_of_seats(self, seats: int) -> None:
        self.ask_both("resize", number=seats)

    @rule(verb=st.sampled_from(["start", "end", "cancel", "reinstate", "reinstate"]))
    def it_takes_a_step(self, verb: Verb) -> None:
        """Steps from which there is no way back are late ones."""
        if self.asked >= LATE or (verb, self.room.status) not in FOR_GOOD:
            self.ask_both(verb)

    @precondition(lambda self: self.room.status == "cancelled")
    @rule()
    def an_administrator_reinstates_it(self) -> None:
        self.ask_both("reinstate")

    @rule(who=WHO, verb=st.sampled_from(["ask", "look"]))
    def somebody_reads(self, who: str, verb: Verb) -> None:
        self.ask_both(verb, who)

    @invariant()
    def everybody_is_where_the_model_has_them(self) -> None:
        self.ask_both("list")

    def ask_both(self, verb: Verb, who: str = "", number: int = 0) -> None:
        """The answer is the one that the model gives."""
        self.asked += verb != "list"
        command = Command(verb, who, number)
        chosen = {name: ids[number % len(ids)] for name, ids in self.ids.items()}
        sent = request_of(command, self.session, chosen)
        url = f"{next(self.urls)}{sent.path}"
        response = self.http.request(sent.method, url, **sent.arguments(self.tenant))
        self.room, expected = after(self.room, command)
        assert answer_of(command, response) == expected, command
        if verb in CREATES and response.status_code == httpx.codes.CREATED:
            self.ids.setdefault(who, []).append(response.json()["id"])
        if verb == "resize":
            self.edits.append(response)

    def teardown(self) -> None:
        self.http.close()
        asyncio.run(self.assert_told())

    async def assert_told(self) -> None:
        """The events tell the same story, and `greenroom check` finds nothing."""
        async with (
            self.arena.client() as client,
            Database(self.arena.database.service_url, size=1, wait_seconds=20, statement_seconds=20) as db,
        ):
            hall = Hall(client, self.tenant, self.arena.database, db)
            assert (await hall.faults(self.session, self.edits), await hall.broken()) == ([], [])


def test_a_session_fills_and_empties_as_the_model_foretells(arena: Arena) -> None:
    class Here(Walk):
        def __init__(self) -> None:
            super().__init__(arena)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

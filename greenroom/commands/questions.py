"""Questions and the live stream, for the demonstration: asked, let through, voted on, and seen by who watches."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from greenroom.commands.errors import CommandError
from greenroom.commands.stage import BRAND, HOST, PARTICIPANT, PATIENCE_SECONDS, PEOPLE, VISITOR, Ask, Only, Stage
from greenroom.kit.clock import wire_time

AS_QUESTION: Only = {"id": (), "asker_user_id": (), "body": (), "status": (), "vote_count": ()}
AS_LIST: Only = {"questions": ("asker_user_id", "body", "status", "vote_count", "has_voted", "is_pinned")}
SHOWN_CHARACTERS = 150  # of an event's data


def show_questions(stage: Stage) -> None:
    """A live session with a question, and what the stream tells a participant of it. Raises CommandError."""
    created = stage.send(Ask(HOST, "POST", "/v1/sessions", _session()))
    path = f"/v1/sessions/{created.body['id']}"
    stage.send(Ask(HOST, "POST", f"{path}/start"))
    watch = Ask(PARTICIPANT, "GET", f"{path}/stream")
    print(f"\n# Questions. A session is live; the participant watches it, in another terminal:\n{stage.curl(watch)} -N")
    with _watching(stage, watch) as seen:
        seen.until("me")
        ask = Ask(VISITOR, "POST", f"{path}/questions", {"body": "How long should one rest between two sets?"})
        question = stage.show("A visitor asks something, which the host sees first", ask, only=AS_QUESTION).body["id"]
        one = f"{path}/questions/{question}"
        stage.show("The host lets it through", Ask(HOST, "PATCH", one, {"status": "approved"}), only=AS_QUESTION)
        seen.until("question")
        stage.show("The participant votes for it; a second time changes nothing", Ask(PARTICIPANT, "PUT", f"{one}/vote"))
        seen.until("votes", or_says='"vote_count":1')
        stage.show("The host pins it", Ask(HOST, "POST", f"{one}/pin"), only=AS_QUESTION)
        seen.until("pin")
        stage.show("What the participant sees now", Ask(PARTICIPANT, "GET", f"{path}/questions"), only=AS_LIST)
        print("\n# and what the stream has told meanwhile, at most four times a second")
        for name, data in seen.events:
            print(f"event: {name}\ndata: {data[:SHOWN_CHARACTERS]}{'...' if len(data) > SHOWN_CHARACTERS else ''}")
    stage.send(Ask(HOST, "POST", f"{path}/end"))
    stage.show("The host has ended the session, and with it the voting", Ask(VISITOR, "PUT", f"{one}/vote"))


class Seen:
    """The events that have come so far."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def until(self, name: str, *, or_says: str | None = None) -> None:
        """Wait for an event of this name, or for one that says this: both may be told in one. Raises CommandError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(known == name or (or_says is not None and or_says in data) for known, data in self.events):
            if time.monotonic() > deadline:
                raise CommandError(f"The demo waited {PATIENCE_SECONDS:.0f} s in vain: the stream tells of no {name}.")
            time.sleep(0.02)

    def read(self, response: http.client.HTTPResponse) -> None:
        """Until the connection is closed."""
        name = ""
        for line in _lines_of(response):
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                self.events.append((name, value))


@contextmanager
def _watching(stage: Stage, ask: Ask) -> Iterator[Seen]:
    connection = http.client.HTTPConnection(stage.host, stage.port, timeout=PATIENCE_SECONDS)
    seen = Seen()
    try:
        connection.request("GET", ask.path, headers={"Authorization": f"Bearer {stage.tokens[ask.who]}"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise CommandError(f"The live stream cannot be opened: {json.loads(response.read())['message']}")
        threading.Thread(target=seen.read, args=(response,), daemon=True).start()
        yield seen
    finally:
        connection.close()


def _lines_of(response: http.client.HTTPResponse) -> Iterator[str]:
    try:
        while line := response.readline():
            yield line.decode().rstrip("\n")
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return  # the demonstration has seen enough, and has closed it


def _session() -> dict[str, Any]:
    return {
        "host_id": PEOPLE[HOST],
        "brand_id": BRAND,
        "title": "Ask the physiotherapist, live",
        "scheduled_at": wire_time(datetime.now(UTC)),
        "max_participants": 100,
    }

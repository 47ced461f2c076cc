"""Before anything is measured: do the contenders do the same work? Each is asked the same, and must answer the same."""

import http.client
import json
import re
from pathlib import Path

from msgspec import Struct

from bench.contenders import Running
from bench.database import BenchDatabase
from bench.tools import BenchError

KNOWN = "/v1/sessions/00000000-0000-7000-8000-{session:012d}"
UNKNOWN = "/v1/sessions/00000000-0000-7000-8000-999999999999"
JSON = {"Content-Type": "application/json"}

CHANGES: tuple[dict[str, object], ...] = (
    {"title": 'Sleep "and" rest, für alle'},
    {"max_participants": 250},
    {"scheduled_at": "2027-05-05T10:00:00.123+02:00"},
    {"kind": "office_hours", "metadata": {"room": {"floor": 2}, "tags": ["a", "b"], "note": None}},
    {},
    {"title": 'Sleep "and" rest, für alle', "max_participants": 251},
)
# All of CHANGES but the empty one, and the one with a fresh If-Match.
MADE = len(CHANGES)
REFUSED = (
    '{"max_participants": 0}',
    '{"max_participants": 1.5}',
    '{"title": ""}',
    '{"kind": "LIVE"}',
    '{"scheduled_at": "2027-05-05T10:00:00"}',
    '{"metadata": []}',
    "[]",
    "{",
)


_COUNT = re.compile(r"^\w*request_duration_seconds_count\{.*} (\S+)$", re.MULTILINE)


class Reply(Struct, frozen=True):
    """An answer, as far as contenders must agree on it: errors in status and code, sessions in everything but the clock."""

    status: int
    tag: str | None
    body: object


def replies(server: Running, *, session: int) -> list[Reply]:
    """What the contender answers about a freshly seeded session."""
    path = KNOWN.format(session=session)
    token = {"Authorization": f"Bearer {server.contender.token}"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

    def ask(method: str, path: str, headers: dict[str, str], body: str | None = None) -> Reply:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        if not answer.headers.get("X-Request-Id"):
            raise BenchError(f"{server.contender.title}: an answer without X-Request-Id")
        return _reply(answer.status, answer.headers.get("ETag"), answer.read())

    try:
        first = ask("GET", path, token)
        said = [first, ask("GET", path, {**token, "If-None-Match": str(first.tag)})]
        said += [ask("PATCH", path, {**token, **JSON}, json.dumps(change)) for change in CHANGES]
        said += [ask("PATCH", path, {**token, **JSON, "If-Match": str(first.tag)}, "{}")]
        said += [ask("PATCH", path, {**token, **JSON, "If-Match": str(said[-2].tag)}, '{"max_participants": 7}')]
        said += [ask("PATCH", path, {**token, **JSON}, body) for body in REFUSED]
        said += [ask("PATCH", path, {**token, "Content-Type": "text/plain"}, "{}")]
        said += [
            ask("GET", UNKNOWN, token),
            ask("PATCH", UNKNOWN, {**token, **JSON}, "{}"),
            ask("GET", "/v1/sessions/7", token),
        ]
        said += [ask("GET", path, {}), ask("GET", path, {"Authorization": "Bearer a.b.c"})]
        return said
    finally:
        connection.close()


def check_logged(server: Running, log: Path, *, asked: int) -> None:
    """Raises BenchError unless the stopped server left a log line for each request."""
    lines = sum(b'"request_id"' in line for line in log.read_bytes().splitlines())
    if lines < asked:
        raise BenchError(f"{server.contender.title}: {asked} requests, {lines} log lines")


def check_observed(server: Running, *, asked: int) -> None:
    """Raises BenchError unless the server's latency histogram has counted each request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
    finally:
        connection.close()
    counted = sum(float(number) for number in _COUNT.findall(page))
    if counted < asked:
        raise BenchError(f"{server.contender.title}: {asked} requests, {counted:.0f} in its histogram")


def check_sameness(database: BenchDatabase, answers: dict[str, list[Reply]]) -> None:
    """Raises BenchError at the first answer on which two contenders differ, and when a change left no trace."""
    check_replies(answers)
    traces = database.traces()
    if traces.audited != traces.updated or traces.audited != len(answers) * MADE:
        raise BenchError(f"{len(answers)} contenders made the same changes, and left {traces}")


def check_replies(answers: dict[str, list[Reply]]) -> None:
    """Raises BenchError at the first answer on which two contenders differ."""
    (first, expected), *others = answers.items()
    for name, got in others:
        if len(got) != len(expected):
            raise BenchError(f"{first} gave {len(expected)} answers, {name} {len(got)}: their lists have not the same pages")
        for number, (ours, theirs) in enumerate(zip(expected, got, strict=True)):
            if ours != theirs:
                raise BenchError(f"answer {number}: {first} says {ours}, {name} says {theirs}")


def _reply(status: int, tag: str | None, body: bytes) -> Reply:
    document = json.loads(body) if body else None
    if isinstance(document, dict):
        if "error" in document:
            return Reply(status, None, document["error"])
        document |= dict.fromkeys(("id", "created_at", "updated_at"), "...")
        document["title"] = re.sub(r"^Session \d+$", "Session N", document["title"])
    return Reply(status, tag, document)

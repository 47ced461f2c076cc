"""Do the contenders register alike? The same people ask each for sessions of its own; answers and rows must be the same."""

import http.client
import json
from uuid import UUID

from bench.contenders import Running
from bench.database import BenchDatabase
from bench.sameness import UNKNOWN, Reply
from bench.tools import BenchError

OPEN, FULL, ENDED, CANCELLED, ANOTHER = range(5)
CREATED, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, REFUSED = 201, 401, 403, 404, 412

# Of each contender: one with two seats; a live one, an ended and a cancelled one whose only seat is taken by `holder`; and one
# with an empty seat, from which `removed` was removed, and `allowed` too, who was allowed again.
SESSIONS = """
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, started_at, ended_at, max_participants,
                      registered_count, next_position, next_admission, created_at, updated_at)
select 'acme', ('00000000-0000-7000-8a03-{contender:04d}0000000' || it)::uuid, 'host_1', 'Session ' || it, 'live',
    (array['scheduled', 'live', 'ended', 'cancelled', 'scheduled'])[it + 1], now_,
    case when it in (1, 2) then now_ end, case when it = 2 then now_ end, case when it in (1, 2, 3) then 1 else 2 end,
    case when it in (1, 2, 3) then 1 else 0 end,
    case when it in (1, 2, 3) then 2 when it = 4 then 3 else 1 end,
    case when it in (1, 2, 3) then 2 when it = 4 then 3 else 1 end, now_, now_
from generate_series(0, 4) it, date_trunc('milliseconds', now()) now_;
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission, registered_at,
                           registered_by, version, cancelled_at, removed_at, allowed_at)
select 'acme', gen_random_uuid(), ('00000000-0000-7000-8a03-{contender:04d}0000000' || it)::uuid, person,
    case when it = 4 then 'cancelled' else 'registered' end, place, case when it = 4 then 2 else 1 end, place, now_, person,
    case when it = 4 then 2 else 1 end, case when it = 4 then now_ end, case when it = 4 then now_ end,
    case when person = 'allowed' then now_ end
from (values (1, 'holder', 1), (2, 'holder', 1), (3, 'holder', 1), (4, 'removed', 1), (4, 'allowed', 2)) a (it, person, place),
    date_trunc('milliseconds', now()) now_
"""

# Who asks, for which session, and the status that this must be answered with.
ASKED: tuple[tuple[str, int, int], ...] = (
    ("first", OPEN, CREATED),
    ("first", OPEN, CREATED),
    ("second", OPEN, CREATED),
    ("third", OPEN, CREATED),
    ("fourth", OPEN, CREATED),
    ("third", OPEN, CREATED),
    ("first", FULL, REFUSED),
    ("holder", FULL, CREATED),
    ("first", ENDED, REFUSED),
    ("holder", ENDED, REFUSED),
    ("first", CANCELLED, REFUSED),
    ("removed", ANOTHER, FORBIDDEN),
    ("allowed", ANOTHER, CREATED),
    ("first", ANOTHER, CREATED),
    ("removed", ANOTHER, FORBIDDEN),
)
MADE = 6  # of them new

# Everything that a registration leaves behind, but ids and the clock: those are held against each other.
ROWS = """
select right(s.id::text, 1) as session, s.status as session_status, s.version as session_version, s.revision,
    s.registered_count, s.waitlist_count, s.next_position, s.next_admission, s.updated_at = s.created_at as unmoved,
    r.position, r.user_id, r.guest_email, r.role, r.status, r.version, r.capacity_at_admission, r.admission, r.registered_by,
    r.promoted_at, r.registered_at = date_trunc('milliseconds', r.registered_at) as in_milliseconds,
    now() - r.registered_at between interval '0' and interval '10 minutes' as is_new,
    a.entity, a.entity_version, a.action, a.changed, a.actor_user_id, a.actor_client_id, a.request_id,
    a.occurred_at = r.registered_at as audited_then,
    o.name, o.session_version as told_version, o.occurred_at = r.registered_at as told_then,
    o.payload - 'session_id' - 'registration_id' - 'registered_at' as payload, o.payload ->> 'session_id' = s.id::text as of_it,
    o.payload ->> 'registered_at' = wire_time_v1(r.registered_at) as said_when
from sessions s left join registrations r on r.brand_id = s.brand_id and r.session_id = s.id
left join audit_log a on a.brand_id = r.brand_id and a.entity_id = r.id
left join outbox o on o.brand_id = r.brand_id and o.payload ->> 'registration_id' = r.id::text
where s.id::text like $1 order by s.id, r.position
"""
COUNTS = "select (select count(*) from audit_log) as audited, (select count(*) from outbox) as told"


def prepare(database: BenchDatabase, *, contender: int) -> None:
    """Sessions for one contender to register people for."""
    database.execute("set session_replication_role = replica", SESSIONS.format(contender=contender))


def registration_replies(server: Running, *, contender: int) -> list[Reply]:
    """What it answers. Raises BenchError where that is not even the right status."""
    sign = server.contender.sign
    asker = Asker(server)
    good = {"Authorization": f"Bearer {sign(user='first')}"}
    try:
        for person, session, status in ASKED:
            asker.ask(_path(contender, session), {"Authorization": f"Bearer {sign(user=person)}"}, status)
        asker.ask(_path(contender, OPEN).replace("8a03", "8A03"), good, CREATED)
        asker.ask(f"{UNKNOWN}/registrations", good, NOT_FOUND)
        asker.ask("/v1/sessions/7/registrations", good, NOT_FOUND)
        asker.ask(_path(contender, OPEN), {"Authorization": f"Bearer {sign(user='first', brand='another')}"}, NOT_FOUND)
        asker.ask(_path(contender, OPEN), {}, UNAUTHORIZED)
        for token in ("a.b.c", good["Authorization"][7:-3] + "abc", good["Authorization"][7:].partition(".")[0]):
            asker.ask(_path(contender, OPEN), {"Authorization": f"Bearer {token}"}, UNAUTHORIZED)
        asker.ask(_path(contender, OPEN), {"Authorization": f"Bearer {sign(user='first', scope='read:live')}"}, FORBIDDEN)
    finally:
        asker.close()
    return asker.said


class Asker(http.client.HTTPConnection):
    """One connection to a contender. What no two contenders can have alike, it numbers: ids, and times."""

    def __init__(self, server: Running) -> None:
        super().__init__("127.0.0.1", server.port, timeout=10)
        self._title = server.contender.title
        self._seen: list[object] = []
        self.said: list[Reply] = []

    def ask(self, path: str, headers: dict[str, str], status: int) -> None:
        """Register. Raises BenchError for another status than this."""
        request_id = f"same-{len(self.said)}"
        self.request("POST", path, headers={**headers, "X-Request-Id": request_id})
        answer = self.getresponse()
        body = json.loads(answer.read())
        if answer.status != status or answer.headers.get("X-Request-Id") != request_id:
            raise BenchError(f"{self._title}: POST {path} was answered {answer.status} {body}, and {status} was expected")
        if "error" in body:
            self.said.append(Reply(answer.status, None, body["error"]))
            return
        if body["session_id"] not in path.lower():
            raise BenchError(f"{self._title}: POST {path} answered a registration for {body['session_id']}")
        shown = {**body, **{name: self._number(body[name]) for name in ("id", "session_id", "registered_at")}}
        self.said.append(Reply(answer.status, answer.headers.get("Cache-Control"), shown))

    def _number(self, value: object) -> int:
        if value not in self._seen:
            self._seen.append(value)
        return self._seen.index(value)


def check_registrations(database: BenchDatabase, *, contenders: int) -> None:
    """Raises BenchError where two contenders left different rows, and when a registration left no trace or two."""
    first, *others = (
        [tuple(row.values()) for row in database.rows(ROWS, _like(number))] for number in range(1, contenders + 1)
    )
    for rows in others:
        if len(rows) != len(first):
            raise BenchError(f"{len(first)} rows are there of one contender, and of another {len(rows)}")
        for ours, theirs in zip(first, rows, strict=True):
            if ours != theirs:
                raise BenchError(f"a registration left {ours}, and with another contender {theirs}")
    counts = tuple(database.row(COUNTS))
    if counts != (contenders * MADE, contenders * MADE):
        raise BenchError(f"{contenders * MADE} people were registered, and audit rows and events are {counts}")


def _path(contender: int, session: int) -> str:
    return f"/v1/sessions/{UUID(f'00000000-0000-7000-8a03-{contender:04d}0000000{session}')}/registrations"


def _like(contender: int) -> str:
    return f"00000000-0000-7000-8a03-{contender:04d}%"

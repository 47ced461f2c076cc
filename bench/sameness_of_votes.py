"""Do the contenders take votes alike? The same people vote at each, for questions of its own; answers and rows must agree."""

import http.client
import json

from bench.contenders import Running
from bench.database import BenchDatabase
from bench.sameness import UNKNOWN, Reply
from bench.tools import BenchError

LIVE, SCHEDULED, ENDED, CANCELLED, FULL = range(5)
APPROVED, PENDING, DISMISSED, ANSWERED = range(5, 9)  # of the live session; of each other the question of its own number
OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, REFUSED = 200, 401, 403, 404, 412
NO_QUESTION = "00000000-0000-7000-8000-999999999999"

# Of each contender: a session of each status and a full one, each with an approved question and a seat for `holder`. The live
# one has a question of each status; from it `removed` was removed, and `allowed` too, who was allowed again.
QUESTIONS = """
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, started_at, ended_at, max_participants,
                      registered_count, next_position, next_admission, next_question, created_at, updated_at)
select 'acme', ('00000000-0000-7000-8a04-{contender:04d}0000000' || it)::uuid, 'host_1', 'Session ' || it, 'live',
    (array['live', 'scheduled', 'ended', 'cancelled', 'live'])[it + 1], now_,
    case when it in (0, 2, 4) then now_ end, case when it = 2 then now_ end, case when it = 4 then 1 else 9 end, 1,
    case when it = 0 then 4 else 2 end, case when it = 0 then 4 else 2 end, 9, now_, now_
from generate_series(0, 4) it, date_trunc('milliseconds', now()) now_;
insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, admission, registered_at,
                           registered_by, version, cancelled_at, removed_at, allowed_at)
select 'acme', gen_random_uuid(), ('00000000-0000-7000-8a04-{contender:04d}0000000' || it)::uuid, person,
    case when place = 1 then 'registered' else 'cancelled' end, place, case when it = 4 then 1 else 9 end, place, now_, person,
    case when place = 1 then 1 else 2 end, case when place > 1 then now_ end, case when place > 1 then now_ end,
    case when person = 'allowed' then now_ end
from (values (0, 'holder', 1), (1, 'holder', 1), (2, 'holder', 1), (3, 'holder', 1), (4, 'holder', 1), (0, 'removed', 2),
             (0, 'allowed', 3)) a (it, person, place), date_trunc('milliseconds', now()) now_;
insert into questions (brand_id, id, session_id, asker_user_id, body, status, position, asked_at, moderated_at,
                       moderator_user_id)
select 'acme', ('00000000-0000-7000-8a05-{contender:04d}0000000' || it)::uuid,
    ('00000000-0000-7000-8a04-{contender:04d}0000000' || case when it < 5 then it else 0 end)::uuid, 'asker', 'Question ' || it,
    status, it + 1, now_, case when status <> 'pending' then now_ end, case when status <> 'pending' then 'host_1' end
from generate_series(0, 8) it, date_trunc('milliseconds', now()) now_,
    lateral (select (array['approved', 'pending', 'dismissed', 'answered'])[greatest(it - 4, 1)] as status) s
"""

# Who votes, in which session, for which question, and the status that this must be answered with.
ASKED: tuple[tuple[str, int, int, int], ...] = (
    ("first", LIVE, APPROVED, OK),
    ("first", LIVE, APPROVED, OK),
    ("second", LIVE, APPROVED, OK),
    ("asker", LIVE, APPROVED, OK),
    ("host_1", LIVE, APPROVED, OK),
    ("removed", LIVE, APPROVED, FORBIDDEN),
    ("allowed", LIVE, APPROVED, OK),
    ("first", LIVE, APPROVED, OK),
    ("first", LIVE, PENDING, NOT_FOUND),
    ("asker", LIVE, PENDING, REFUSED),
    ("host_1", LIVE, PENDING, REFUSED),
    ("first", LIVE, DISMISSED, NOT_FOUND),
    ("asker", LIVE, DISMISSED, REFUSED),
    ("first", LIVE, ANSWERED, REFUSED),
    ("removed", LIVE, ANSWERED, FORBIDDEN),
    ("first", LIVE, SCHEDULED, NOT_FOUND),
    ("first", SCHEDULED, SCHEDULED, REFUSED),
    ("holder", SCHEDULED, SCHEDULED, OK),
    ("host_1", SCHEDULED, SCHEDULED, OK),
    ("first", ENDED, ENDED, REFUSED),
    ("holder", ENDED, ENDED, REFUSED),
    ("host_1", ENDED, ENDED, REFUSED),
    ("holder", CANCELLED, CANCELLED, REFUSED),
    ("first", FULL, FULL, REFUSED),
    ("holder", FULL, FULL, OK),
    ("holder", FULL, FULL, OK),
)
MADE = 8  # of them a vote that was not there

# Everything that a vote leaves behind, but ids and the clock.
ROWS = """
select right(q.id::text, 1) as question, q.status, q.vote_count, q.version, q.moderator_user_id, s.version as session_version,
    s.revision, s.updated_at = s.created_at as unmoved, v.user_id, v.voted_at = date_trunc('milliseconds', v.voted_at),
    now() - v.voted_at between interval '0' and interval '10 minutes' as is_new
from questions q join sessions s on s.brand_id = q.brand_id and s.id = q.session_id
left join votes v on v.brand_id = q.brand_id and v.question_id = q.id
where s.id::text like $1 order by q.id, v.user_id
"""
EVENTS = """
select o.name, o.session_version, o.occurred_at = date_trunc('milliseconds', o.occurred_at) as in_milliseconds,
    o.payload ->> 'session_id' = o.session_id::text as of_it, o.payload - 'session_id' - 'vote_counts' as payload,
    (select string_agg(right(c.key, 1) || ' has ' || c.value, ', ' order by c.key)
        from jsonb_each_text(o.payload -> 'vote_counts') c) as counts
from outbox o where o.session_id::text like $1 order by o.sequence
"""
LEFT = """
select (select count(*) from votes) as votes, (select count(*) from outbox) as told, (select count(*) from audit_log) as audited
"""


def prepare(database: BenchDatabase, *, contender: int) -> None:
    """Questions for one contender to take votes for."""
    database.execute("set session_replication_role = replica", QUESTIONS.format(contender=contender))


def vote_replies(server: Running, *, contender: int) -> list[Reply]:
    """What it answers. Raises BenchError where that is not even the right status."""
    sign = server.contender.sign
    voter = Voter(server)
    good = {"Authorization": f"Bearer {sign(user='first')}"}
    path = _path(contender, LIVE, APPROVED)
    try:
        for person, session, question, status in ASKED:
            headers = {"Authorization": f"Bearer {sign(user=person)}"}
            voter.vote(_path(contender, session, question), headers, status)
        voter.vote(path.replace("8a0", "8A0"), good, OK)
        voter.vote(_path(contender, LIVE, NO_QUESTION), good, NOT_FOUND)
        voter.vote(_path(contender, LIVE, "7"), good, NOT_FOUND)
        voter.vote(f"{UNKNOWN}/questions/{NO_QUESTION}/vote", good, NOT_FOUND)
        voter.vote(f"/v1/sessions/7/questions/{NO_QUESTION}/vote", good, NOT_FOUND)
        voter.vote(path, {"Authorization": f"Bearer {sign(user='first', brand='another')}"}, NOT_FOUND)
        voter.vote(path, {}, UNAUTHORIZED)
        for token in ("a.b.c", good["Authorization"][7:-3] + "abc", good["Authorization"][7:].partition(".")[0]):
            voter.vote(path, {"Authorization": f"Bearer {token}"}, UNAUTHORIZED)
        voter.vote(path, {"Authorization": f"Bearer {sign(user='first', scope='read:live')}"}, FORBIDDEN)
    finally:
        voter.close()
    return voter.said


class Voter(http.client.HTTPConnection):
    """One connection to a contender."""

    def __init__(self, server: Running) -> None:
        super().__init__("127.0.0.1", server.port, timeout=10)
        self._title = server.contender.title
        self.said: list[Reply] = []

    def vote(self, path: str, headers: dict[str, str], status: int) -> None:
        """Raises BenchError for another status than this."""
        request_id = f"same-{len(self.said)}"
        self.request("PUT", path, headers={**headers, "X-Request-Id": request_id})
        answer = self.getresponse()
        body = json.loads(answer.read())
        if answer.status != status or answer.headers.get("X-Request-Id") != request_id:
            raise BenchError(f"{self._title}: PUT {path} was answered {answer.status} {body}, and {status} was expected")
        if "error" in body:
            self.said.append(Reply(answer.status, None, body["error"]))
            return
        if f"/{body.pop('question_id')}/" not in path.lower():
            raise BenchError(f"{self._title}: PUT {path} answered a vote for another question")
        self.said.append(Reply(answer.status, answer.headers.get("Cache-Control"), body))


def check_votes(database: BenchDatabase, *, contenders: int) -> None:
    """Raises BenchError where two contenders left different rows, and when a vote left no trace or two."""
    for statement in (ROWS, EVENTS):
        first, *others = (
            [tuple(row.values()) for row in database.rows(statement, f"00000000-0000-7000-8a04-{number:04d}%")]
            for number in range(1, contenders + 1)
        )
        for rows in others:
            if len(rows) != len(first):
                raise BenchError(f"votes left {len(first)} rows with one contender, and with another {len(rows)}")
            for ours, theirs in zip(first, rows, strict=True):
                if ours != theirs:
                    raise BenchError(f"a vote left {ours}, and with another contender {theirs}")
    left = tuple(database.row(LEFT))
    if left != (contenders * MADE, contenders * MADE, 0):
        raise BenchError(f"{contenders * MADE} people have voted, and votes, events and audit rows are {left}")


def _path(contender: int, session: int, question: int | str) -> str:
    named = f"00000000-0000-7000-8a05-{contender:04d}0000000{question}" if isinstance(question, int) else question
    return f"/v1/sessions/00000000-0000-7000-8a04-{contender:04d}0000000{session}/questions/{named}/vote"

"""Two workers: does a GET ever answer what was before a PATCH that has been answered?"""

import http.client
import json
import random
from pathlib import Path

from bench.contenders import Contender, Running, running
from bench.seed import SESSIONS
from bench.tools import BenchError

CONNECTIONS = 16
WORKERS = 2


def stale_answers(contender: Contender, *, changes: int, pool: int, log: Path) -> int:
    """How many GETs were behind an answered PATCH, each asked on every connection. Raises BenchError.

    `contender` serves with two workers; that both hold some of the connections is looked up, not hoped for.
    """
    with running(contender, pool=pool, log=log) as server:
        connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=10) for _ in range(CONNECTIONS)]
        try:
            for connection in connections:
                _ask(connection, server, "GET", 1)
            _refuse_one_sided(server)
            return sum(_stale_after_change(connections, server, number) for number in range(changes))
        finally:
            for connection in connections:
                connection.close()


def _stale_after_change(connections: list[http.client.HTTPConnection], server: Running, number: int) -> int:
    session = random.randint(1, SESSIONS)
    writer = connections[number % len(connections)]
    body = json.dumps({"title": f"Change {number} of {random.random()}"})
    written = _ask(writer, server, "PATCH", session, body)
    return sum(_ask(connection, server, "GET", session) != written for connection in connections)


def _ask(connection: http.client.HTTPConnection, server: Running, method: str, session: int, body: str | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {server.contender.token}", "Content-Type": "application/json"}
    connection.request(method, f"/v1/sessions/00000000-0000-7000-8000-{session:012d}", body=body, headers=headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != http.client.OK:
        raise BenchError(f"{method} answered {answer.status}: {said.decode(errors='replace')}")
    return said


def _refuse_one_sided(server: Running) -> None:
    """Raises BenchError unless each of the two workers holds a connection of ours."""
    ours = _established(server.port)
    holders = [pid for pid in _descendants(server.process.pid) if ours & _sockets_of(pid)]
    if len(holders) < WORKERS:
        raise BenchError(f"all {CONNECTIONS} connections went to {len(holders)} of {WORKERS} workers: run it again")


def _established(port: int) -> set[str]:
    """The inodes of the server's ends of its connections (proc(5), /proc/net/tcp)."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[3] == "01":
            found.add(fields[9])
    return found


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(deeper for child in children for deeper in _descendants(int(child)))]


def _sockets_of(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = str(link.readlink()) if link.is_symlink() else ""
        if target.startswith("socket:["):
            found.add(target[len("socket:[") : -1])
    return found

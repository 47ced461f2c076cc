"""The whole list of a session as CSV, for a client that keeps nothing: how long, and how much of the worker's memory."""

import http.client
import time
from uuid import UUID

from msgspec import Struct

from bench.contenders import Running
from bench.tools import BenchError

READ_AT_ONCE = 256 * 1024
SECONDS = 60


class WholeList(Struct, frozen=True, kw_only=True):
    """How many rows and millions of octets came, in how many seconds, and by how many MB the worker grew meanwhile at most."""

    rows: int
    megabytes: float
    seconds: float
    resident_before: float
    grown: float


def measure_whole_list(server: Running, session: UUID, *, small: UUID, rows: int) -> WholeList:
    """After the list of a small session, so that all code has run. Raises BenchError unless every row came."""
    _read(server, small)
    before = server.resident_mb()
    begun = time.perf_counter()
    lines, octets, most = _read(server, session)
    seconds = time.perf_counter() - begun
    if lines != rows + 1:
        raise BenchError(f"a list of {rows} rows and a header came as {lines} lines")
    return WholeList(rows=rows, megabytes=octets / 1e6, seconds=seconds, resident_before=before, grown=most - before)


def _read(server: Running, session: UUID) -> tuple[int, int, float]:
    """Lines, octets, and the most memory that was seen meanwhile. Raises BenchError."""
    headers = {"Authorization": f"Bearer {server.contender.token}", "Accept": "text/csv"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    try:
        connection.request("GET", f"/v1/sessions/{session}/registrations", headers=headers)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise BenchError(f"the list was answered {answer.status}: {answer.read(500).decode(errors='replace')}")
        lines, octets, most = 0, 0, server.resident_mb()
        while chunk := answer.read(READ_AT_ONCE):
            lines += chunk.count(b"\n")
            octets += len(chunk)
            most = max(most, server.resident_mb())
        return lines, octets, most
    finally:
        connection.close()

"""OpenTelemetry, when it is configured: spans tell that there was a request, and nothing that opens anything."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, running_server
from tests.tenant import Tenant
from tests.wire import SENTINEL


class Collector(ThreadingHTTPServer):
    """Takes spans, as a collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: list[bytes] = []


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        self.server.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of spans."""
    with Collector() as listening:
        thread = Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


async def test_spans_hold_no_ticket_and_no_path(
    database: TestDatabase, tmp_path: Path, tenant: Tenant, collector: Collector
) -> None:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "GREENROOM_BACKGROUND": "off",
    }
    with running_server(database, tmp_path, settings=settings) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            assert (await client.get(f"/v1/me/calendar.ics?ticket={SENTINEL}")).status_code == 401
            assert (await client.get(f"/v1/guest-links/{SENTINEL}")).status_code == 401
            assert (await client.get(f"/v1/sessions/{SENTINEL}", headers=tenant.bearer())).status_code == 404
        running.stop()  # it tells its last spans
    told = b"".join(collector.taken)
    assert b"http.method" in told or b"http.request.method" in told
    assert SENTINEL.encode() not in told

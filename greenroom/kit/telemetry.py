"""What an operator sees: one JSON line per request, and metrics of all workers together.

Nothing here names a title, a body, a question, an address, a token or metadata: this is health-adjacent data.
"""

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values

from greenroom.kit.http.asgi import App
from greenroom.kit.serving import METRICS_DIRECTORY

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
LONGEST_CHAIN = 4  # of causes, in a log line
LINES_WAIT_SECONDS = 0.05

if METRICS_DIRECTORY in os.environ:
    # A worker is spawned and never forks: asking the kernel for its number at every observation is a system call saved.
    values.ValueClass = values.MultiProcessValue(partial(int, os.getpid()))  # type: ignore[no-untyped-call]

request_seconds = Histogram(
    "greenroom_request_duration_seconds",
    "From the request's head to the answer's end.",
    ["route", "method", "status"],
    buckets=LATENCY_BUCKETS,
)
requests_limited = Counter("greenroom_requests_limited_total", "Requests answered 429.", ["limit"])
identity_seconds = Histogram(
    "greenroom_identity_call_duration_seconds",
    "Questions to the identity server: from asking to the answer, or to giving up.",
    ["source", "outcome"],
    buckets=LATENCY_BUCKETS,
)
provider_seconds = Histogram(
    "greenroom_provider_call_duration_seconds",
    "Questions to a provider of video or chat, with their repetitions: from asking to the answer, or to giving up.",
    ["provider", "operation", "outcome"],
    buckets=LATENCY_BUCKETS,
)
provider_circuit_open = Gauge(
    "greenroom_provider_circuit_open",
    "1 while a provider is not asked, because it did not answer lately; of any process.",
    ["provider"],
    multiprocess_mode="livemax",
)
LATENESS_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86400.0)  # seconds
timer_lateness = Histogram(
    "greenroom_timer_lateness_seconds", "From when a timer was due to when it fired.", ["kind"], buckets=LATENESS_BUCKETS
)
calls_looked_after = Counter(
    "greenroom_calls_looked_after_total",
    "Looks after a call: what the provider was told, and what it was asked.",
    ["provider", "phase", "outcome"],
)
timers_fired = Counter("greenroom_timers_total", "Timers that were claimed, by what became of them.", ["kind", "outcome"])
timers_overdue = Gauge(
    "greenroom_timers_overdue_seconds", "For how long the oldest timer that is due has waited.", multiprocess_mode="mostrecent"
)
outbox_waiting = Gauge(
    "greenroom_outbox_waiting", "Events that have no position yet; 100000 is that or more.", multiprocess_mode="mostrecent"
)
outbox_oldest = Gauge(
    "greenroom_outbox_oldest_seconds", "Age of the oldest event that has no position yet.", multiprocess_mode="mostrecent"
)
sink_lag = Gauge("greenroom_sink_lag", "Events that a sink has not told yet.", ["sink"], multiprocess_mode="mostrecent")
sink_oldest = Gauge(
    "greenroom_sink_oldest_seconds",
    "Age of the oldest event that a sink has not told yet.",
    ["sink"],
    multiprocess_mode="mostrecent",
)
sink_failures = Gauge(
    "greenroom_sink_failures", "How often a sink has failed, ever, in any process.", ["sink"], multiprocess_mode="mostrecent"
)
mails = Counter("greenroom_mails_total", "Messages to people, by kind and what became of each.", ["kind", "outcome"])
mails_overdue = Gauge(
    "greenroom_mails_overdue_seconds", "For how long the oldest message that is due has waited.", multiprocess_mode="mostrecent"
)
webhook_attempts = Counter(
    "greenroom_webhook_attempts_total", "Attempts to deliver a webhook, by what came of them.", ["outcome"]
)
webhook_seconds = Histogram(
    "greenroom_webhook_delivery_seconds",
    "From when an event was told to when an endpoint had answered it 2xx, with all attempts.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0, 3600.0, 86400.0),
)
webhook_endpoints_failing = Gauge(
    "greenroom_webhook_endpoints_failing", "Enabled endpoints whose last attempt failed.", multiprocess_mode="mostrecent"
)
recordings_joined = Counter(
    "greenroom_recordings_joined_total", "Recordings whose pieces were to be joined, by what came of it.", ["outcome"]
)
recording_store_failures = Counter(
    "greenroom_recording_store_failures_total", "What the store of recordings did not do, by what it was asked.", ["operation"]
)
stream_watchers = Gauge("greenroom_stream_watchers", "Connections that watch a session.", multiprocess_mode="livesum")
room_peers = Gauge("greenroom_room_peers", "Browsers in rooms of builtin video.", multiprocess_mode="livesum")
requests_under_way = Gauge("greenroom_requests_under_way", "Requests that have no answer yet.", multiprocess_mode="livesum")

_encode = msgspec.json.Encoder().encode
_levels = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class RequestLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of a request."""

    event: str = "request"
    request_id: str
    method: str
    route: str
    status: int
    duration_ms: float
    client_id: str | None
    brand_id: str | None
    level: str = "info"
    timestamp: datetime


class Traffic:
    """Counts and writes down requests. Lines that come within 50 ms are written together: one system call for many."""

    def __init__(self, *, logs: bool, out: BinaryIO) -> None:
        self.under_way = 0
        self._logs = logs
        self._out = out
        self._lines: list[bytes] = []
        self._histograms: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request's duration."""
        known = (route, method, status)
        histogram = self._histograms.get(known)
        if histogram is None:
            histogram = self._histograms[known] = request_seconds.labels(route, method, str(status))
        histogram.observe(seconds)

    def log(
        self,
        *,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        client_id: str | None,
        brand_id: str | None,
    ) -> None:
        """One request's line."""
        if not self._logs:
            return
        line = RequestLine(
            request_id=request_id,
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            client_id=client_id,
            brand_id=brand_id,
            timestamp=datetime.now(UTC),
        )
        self._lines += (_encode(line), b"\n")
        if len(self._lines) == 2:  # noqa: PLR2004  # the first line of a batch, and its end
            asyncio.get_running_loop().call_later(LINES_WAIT_SECONDS, self.flush)

    async def count_under_way(self) -> None:
        """Show how many requests have no answer yet: a chore, so that a request need not write it twice."""
        requests_under_way.set(self.under_way)

    def flush(self) -> None:
        """Write the lines that wait."""
        lines, self._lines = self._lines, []
        self._out.write(b"".join(lines))
        self._out.flush()


def configure_logs(level: str) -> Traffic:
    """JSON lines on standard error, ours and the libraries'; answers what logs the requests."""
    shared: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_serialize)],
        wrapper_class=structlog.make_filtering_bound_logger(_levels[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _without_traceback],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=lambda line, **_: _encode(line).decode()),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=_levels[level], force=True)
    logging.getLogger("uvicorn.access").propagate = False  # ours says the same, without addresses
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    return Traffic(logs=_levels[level] <= logging.INFO, out=sys.stderr.buffer)


def logger() -> Any:
    """The program's logger: `logger().info("event", field=value)`."""
    return structlog.get_logger()


def places_of(error: BaseException) -> list[str]:
    """Where an error came from: types and places, never its text or values, which may hold what a caller sent."""
    chain: list[str] = []
    link: BaseException | None = error
    while link is not None and len(chain) < LONGEST_CHAIN:
        frames = traceback.extract_tb(link.__traceback__)[-8:]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}" for frame in reversed(frames))
        chain.append(f"{type(link).__name__} at {places}")
        link = link.__cause__ or link.__context__
    return chain


def traced(app: App) -> App:
    """The application with OpenTelemetry spans around it, when an exporter is configured (OTEL_EXPORTER_OTLP_ENDPOINT).

    Needs the extra: pip install 'greenroom[otel]'.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return app
    try:
        from opentelemetry import trace  # noqa: PLC0415  # an extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logger().warning("tracing_is_off", reason="OTEL_EXPORTER_OTLP_ENDPOINT needs: pip install 'greenroom[otel]'")
        return app

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    traced_app: App = OpenTelemetryMiddleware(
        app, tracer_provider=provider, exclude_spans=["receive", "send"], server_request_hook=_discreet
    )
    return traced_app


def metrics_page() -> bytes:
    """Every metric, summed over the workers when there are several (the Prometheus text format)."""
    if METRICS_DIRECTORY not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's gap
    return generate_latest(registry)


# Who called, and what was called: tickets stand in paths and queries.
_UNTOLD = (
    "net.peer.ip", "net.peer.port", "client.address", "client.port",
    "http.url", "http.target", "url.full", "url.path", "url.query",
)  # fmt: skip


def _discreet(span: Any, scope: dict[str, Any]) -> None:
    """A span tells no caller's address and no ticket, and has one name per method rather than one per session."""
    span.update_name(scope.get("method", "lifespan"))
    for attribute in _UNTOLD:
        span.set_attribute(attribute, "")


def _serialize(line: Any, **_: Any) -> bytes:
    return _encode(line)


def _without_traceback(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = line.pop("exc_info", None)
    if isinstance(error, tuple) and error[1] is not None:
        line["error"] = places_of(error[1])
    return line

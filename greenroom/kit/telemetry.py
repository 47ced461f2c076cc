"""What an operator sees: one JSON line per request, and metrics of all workers together.

Nothing here names a title, a body, a question, an address, a token or metadata: this is health-adjacent data.
"""

import logging
import os
import sys
import traceback
from typing import Any

import msgspec
import structlog
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from greenroom.kit.serving import METRICS_DIRECTORY

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds

request_seconds = Histogram(
    "greenroom_request_duration_seconds",
    "From the request's head to the answer's end.",
    ["route", "method", "status"],
    buckets=LATENCY_BUCKETS,
)
requests_limited = Counter("greenroom_requests_limited_total", "Requests answered 429.", ["limit"])
requests_under_way = Gauge(
    "greenroom_requests_under_way", "Requests that have no answer yet.", multiprocess_mode="livesum"
)

_encode = msgspec.json.Encoder().encode
_levels = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logs(level: str) -> None:
    """JSON lines on standard error, ours and the libraries'."""
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


def logger() -> Any:
    """The program's logger: `logger().info("event", field=value)`."""
    return structlog.get_logger()


def places_of(error: BaseException) -> list[str]:
    """Where an error came from: types and places, never its text or values, which may hold what a caller sent."""
    chain: list[str] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 4:
        frames = traceback.extract_tb(link.__traceback__)[-8:]
        places = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}:{frame.name}" for frame in reversed(frames))
        chain.append(f"{type(link).__name__} at {places}")
        link = link.__cause__ or link.__context__
    return chain


def traced(app: ASGIApp) -> ASGIApp:
    """The application with OpenTelemetry spans around it, when an exporter is configured (OTEL_EXPORTER_OTLP_ENDPOINT).

    Needs the extra: pip install 'greenroom[otel]'.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return app
    from opentelemetry import trace  # noqa: PLC0415  # an extra
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return OpenTelemetryMiddleware(app, tracer_provider=provider, exclude_spans=["receive", "send"])


def metrics_page() -> bytes:
    """Every metric, summed over the workers when there are several (the Prometheus text format)."""
    if METRICS_DIRECTORY not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


def _serialize(line: Any, **_: Any) -> bytes:
    return _encode(line)


def _without_traceback(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    error = line.pop("exc_info", None)
    if isinstance(error, tuple) and error[1] is not None:
        line["error"] = places_of(error[1])
    return line

"""Is it alive, is it ready, how is it doing: for the operator's machines, so without a token."""

from msgspec import Struct

from greenroom.kit import migrate, queries
from greenroom.kit.errors import Unavailable
from greenroom.kit.http.answer import Answer, json_answer, length_of
from greenroom.kit.http.operation import AnswerShape, Operation
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.http.routing import performs
from greenroom.kit.telemetry import metrics_page

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Health(Struct, frozen=True):
    """How the service is."""

    status: str


ALIVE = Operation(
    id="getHealth",
    at="GET /healthz",
    summary="Is the process alive",
    tag="operations",
    answers={200: AnswerShape(description="Alive", schema=Health, example={"status": "alive"})},
)
READY = Operation(
    id="getReadiness",
    at="GET /readyz",
    summary="Can requests be served: the database answers and its schema is not behind",
    tag="operations",
    answers={200: AnswerShape(description="Ready", schema=Health, example={"status": "ready"})},
)
METRICS = Operation(
    id="getMetrics",
    at="GET /metrics",
    summary="Metrics of all workers together, in the Prometheus text format",
    tag="operations",
    answers={200: AnswerShape(description="Metrics", media_type=METRICS_TYPE)},
)


@performs(ALIVE)
async def healthz(_: ApiRequest) -> Answer:
    """Alive as long as this is answered."""
    return json_answer(Health("alive"))


@performs(READY)
async def readyz(request: ApiRequest) -> Answer:
    """Ready while the database answers and has every migration of this release; one that is ahead is ready."""
    missing = await queries.missing(request.db, migrate.shipped())
    if missing:
        raise Unavailable(f"The database lacks {', '.join(missing)}; run: greenroom migrate")
    return json_answer(Health("ready"))


@performs(METRICS)
async def metrics(_: ApiRequest) -> Answer:
    """What Prometheus reads."""
    page = metrics_page()
    return Answer(page, status=200, headers=[(b"content-type", METRICS_TYPE.encode()), length_of(page)])


ROUTES = [healthz, readyz, metrics]

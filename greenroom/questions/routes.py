"""HTTP of questions: read the request, call the service, write the answer."""

from http import HTTPStatus
from typing import cast

from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, REPLAYED, Answer, json_answer
from greenroom.kit.http.body import BodyReader
from greenroom.kit.http.query import QueryReader, next_links
from greenroom.kit.http.routing import performs
from greenroom.questions import listing, operations, service
from greenroom.questions.schemas import QuestionFilters, QuestionPatch, QuestionRequest
from greenroom.questions.service import Questions

QUESTION_REQUEST = BodyReader(QuestionRequest)
QUESTION_PATCH = BodyReader(QuestionPatch)
FILTERS = QueryReader(QuestionFilters)


@performs(operations.ASK)
async def ask_question(request: CallerRequest, id: str) -> Answer:
    """Ask. Source: contract, POST /v1/sessions/{id}/questions."""
    wanted = await request.read(QUESTION_REQUEST)
    key = await request.idempotency_key(brand=request.caller.brand)
    done = await service.ask(_questions(request), request.caller, id, wanted, request_id=request.id, key=key)
    headers = [PRIVATE, REPLAYED] if done.replayed else [PRIVATE]
    return json_answer(done.question, status=HTTPStatus.CREATED, headers=headers)


@performs(operations.LIST)
async def list_questions(request: CallerRequest, id: str) -> Answer:
    """What the caller may see, with the caller's own votes."""
    page = await listing.listed(_questions(request), request.caller, id, FILTERS.read(request.query))
    return json_answer(page, headers=[PRIVATE, *next_links(request.path, request.query, page.next_cursor)])


@performs(operations.MODERATE)
async def moderate_question(request: CallerRequest, id: str, question_id: str) -> Answer:
    """Let it through, dismiss it, call it answered."""
    patch = await request.read(QUESTION_PATCH)
    moderated = await service.moderate(_questions(request), request.caller, id, question_id, patch, request_id=request.id)
    return json_answer(moderated, headers=[PRIVATE])


@performs(operations.VOTE)
async def vote(request: CallerRequest, id: str, question_id: str) -> Answer:
    """Give the caller's vote. Twice is once."""
    counted = await service.vote(_questions(request), request.caller, id, question_id, wants=True)
    return json_answer(counted, headers=[PRIVATE])


@performs(operations.TAKE_VOTE_BACK)
async def take_vote_back(request: CallerRequest, id: str, question_id: str) -> Answer:
    """Take the caller's vote back. Twice is once."""
    counted = await service.vote(_questions(request), request.caller, id, question_id, wants=False)
    return json_answer(counted, headers=[PRIVATE])


@performs(operations.PIN)
async def pin_question(request: CallerRequest, id: str, question_id: str) -> Answer:
    """Pin it, in the place of any other."""
    key = await request.idempotency_key(brand=request.caller.brand)
    done = await service.pin(_questions(request), request.caller, id, question_id, pins=True, request_id=request.id, key=key)
    return json_answer(done.question, headers=[PRIVATE, REPLAYED] if done.replayed else [PRIVATE])


@performs(operations.UNPIN)
async def unpin_question(request: CallerRequest, id: str, question_id: str) -> Answer:
    """Take it down."""
    done = await service.pin(_questions(request), request.caller, id, question_id, pins=False, request_id=request.id)
    return json_answer(done.question, headers=[PRIVATE])


def _questions(request: CallerRequest) -> Questions:
    return cast("Questions", request.scope["state"]["questions"])


ROUTES = [ask_question, list_questions, moderate_question, vote, take_vote_back, pin_question, unpin_question]

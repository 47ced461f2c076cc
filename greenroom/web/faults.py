"""Refusals as pages: what went wrong, in a sentence, and what can be done now. Programs get them in the contract's form."""

from http import HTTPStatus
from typing import Final, cast
from urllib.parse import urlencode

from greenroom.kit.errors import GreenroomError, InvalidToken, Unauthenticated
from greenroom.kit.http.answer import Answer, error_answer
from greenroom.kit.http.asgi import Scope
from greenroom.web.binding import SCOPE
from greenroom.web.rendering import page_answer, rendered
from greenroom.web.texts import catalogue, text
from greenroom.web.visit import SAID, Visit, see_other

HTML: Final = "text/html"
OF_PROGRAMS: Final = ("/v1/", "/webhooks/")


def answer_of(scope: Scope, error: GreenroomError) -> Answer:
    """A page for a browser that was shown pages, the contract's form for everything else."""
    visit = cast("Visit | None", scope.get(SCOPE))
    if not _reads_pages(scope) or (visit is not None and visit.wants_json):
        return error_answer(error)
    if isinstance(error, Unauthenticated | InvalidToken) and visit is not None and scope["method"] == "GET":
        return see_other(sign_in_path(scope))
    told = error_answer(error)
    headers = [(name, value) for name, value in told.headers if name in {b"retry-after", b"allow"}]
    body = rendered("fault.html", {**_values(error), "visit": visit, "me": None if visit is None else visit.known})
    return page_answer(body, status=error.status, headers=headers)


def sign_in_path(scope: Scope) -> str:
    """Where to sign in, and come back from."""
    query = scope["query_string"].decode("latin-1")
    return f"/signin?{urlencode({'next': scope['path'] + (f'?{query}' if query else '')})}"


def _reads_pages(scope: Scope) -> bool:
    if scope["path"].startswith(OF_PROGRAMS):
        return False
    if scope.get(SCOPE) is not None:
        return True
    return any(name == b"accept" and HTML in value.decode("latin-1") for name, value in scope["headers"])


def _values(error: GreenroomError) -> dict[str, object]:
    """The heading of its kind, and the error's own sentence where it says more than that."""
    name = f"fault.{error.code}"
    heading = text(name if name in catalogue() else "fault.other")
    return {
        "heading": heading,
        "message": "" if error.text == f"{heading}." else error.text,
        "status": error.status,
        "is_ours": error.status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        "is_signed_out": isinstance(error, Unauthenticated | InvalidToken),
        "said_parameter": SAID,
    }

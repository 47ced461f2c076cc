"""What the operations of settings say of themselves in the OpenAPI document."""

from typing import Any

from greenroom.identity.scopes import ADMIN_LIVE, READ_LIVE, WRITE_LIVE
from greenroom.kit.errors import InvalidStatus, NotFound, ValidationFailed
from greenroom.kit.http.body import JSON, MERGE_PATCH
from greenroom.kit.http.operation import AnswerShape, Operation
from greenroom.session_settings.schemas import SessionSettings, SettingsPatch
from greenroom.sessions.operations import BRAND, ID

TAG = "settings"

OF_BRAND_EXAMPLE: dict[str, Any] = {
    "doors_open_minutes": {"value": 30, "source": "brand"},
    "host_grace_minutes": {"value": 5, "source": "default"},
    "not_started_minutes": {"value": 1440, "source": "default"},
    "first_reminder_minutes": {"value": 1440, "source": "default"},
    "last_reminder_minutes": {"value": 10, "source": "default"},
    "empty_grace_minutes": {"value": 5, "source": "default"},
    "overrun_minutes": {"value": 240, "source": "default"},
    "moderation": {"value": True, "source": "default"},
    "anonymous": {"value": True, "source": "default"},
    "open_questions": {"value": 5, "source": "default"},
    "video_provider": {"value": "livekit", "source": "brand"},
}
OF_SESSION_EXAMPLE: dict[str, Any] = {**OF_BRAND_EXAMPLE, "moderation": {"value": False, "source": "session"}}


def _answer(description: str, example: dict[str, Any]) -> dict[int, AnswerShape]:
    return {200: AnswerShape(description=description, schema=SessionSettings, example=example)}


GET_OF_SESSION = Operation(
    id="getSessionSettings",
    at="GET /v1/sessions/{id}/settings",
    summary="The settings of a session, and where each comes from",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(ID, BRAND),
    answers=_answer("What holds for the session", OF_SESSION_EXAMPLE),
    raises=(NotFound,),
)
CHANGE_OF_SESSION = Operation(
    id="updateSessionSettings",
    at="PATCH /v1/sessions/{id}/settings",
    summary="Let a session say otherwise than its brand",
    tag=TAG,
    scope=WRITE_LIVE,
    limit="writes",
    parameters=(ID, BRAND),
    body=SettingsPatch,
    accepts=(JSON, MERGE_PATCH),
    body_example={"moderation": False},
    answers=_answer("What holds for the session now", OF_SESSION_EXAMPLE),
    raises=(NotFound, InvalidStatus),
)
GET_OF_BRAND = Operation(
    id="getBrandSettings",
    at="GET /v1/brand/settings",
    summary="The settings of a brand, and where each comes from",
    tag=TAG,
    scope=READ_LIVE,
    parameters=(BRAND,),
    answers=_answer("What holds for the brand's sessions unless they say otherwise", OF_BRAND_EXAMPLE),
    raises=(ValidationFailed,),
)
CHANGE_OF_BRAND = Operation(
    id="updateBrandSettings",
    at="PATCH /v1/brand/settings",
    summary="Let a brand say otherwise than the program",
    tag=TAG,
    scope=ADMIN_LIVE,
    limit="admin",
    parameters=(BRAND,),
    body=SettingsPatch,
    accepts=(JSON, MERGE_PATCH),
    body_example={"doors_open_minutes": 30, "video_provider": "livekit"},
    answers=_answer("What holds for the brand's sessions now", OF_BRAND_EXAMPLE),
)

"""HTTP of settings: read the request, call the service, write the answer."""

from typing import cast

from greenroom.identity.request import CallerRequest
from greenroom.kit.http.answer import PRIVATE, Answer, json_answer
from greenroom.kit.http.body import JSON, MERGE_PATCH, BodyReader
from greenroom.kit.http.routing import performs
from greenroom.session_settings import operations, service
from greenroom.session_settings.schemas import SettingsPatch
from greenroom.session_settings.service import SettingsOf

SETTINGS_PATCH = BodyReader(SettingsPatch, accepts=(JSON, MERGE_PATCH))


@performs(operations.GET_OF_SESSION)
async def get_session_settings(request: CallerRequest, id: str) -> Answer:
    """Every setting as it holds for the session, and whether the session, its brand or the program says so."""
    return json_answer(await service.of_session(_settings(request), request.caller, id), headers=[PRIVATE])


@performs(operations.CHANGE_OF_SESSION)
async def update_session_settings(request: CallerRequest, id: str) -> Answer:
    """Change what the session itself says; null leaves it to the brand again. A live session keeps its video provider."""
    changes = await request.read(SETTINGS_PATCH)
    settings = _settings(request)
    changed = await service.change_of_session(settings, request.caller, id, changes, request_id=request.id)
    return json_answer(changed, headers=[PRIVATE])


@performs(operations.GET_OF_BRAND)
async def get_brand_settings(request: CallerRequest) -> Answer:
    """Every setting as it holds for the brand's sessions, and whether the brand or the program says so."""
    return json_answer(await service.of_brand(_settings(request), request.caller), headers=[PRIVATE])


@performs(operations.CHANGE_OF_BRAND)
async def update_brand_settings(request: CallerRequest) -> Answer:
    """Change what the brand says; null leaves it to the program again."""
    changes = await request.read(SETTINGS_PATCH)
    changed = await service.change_of_brand(_settings(request), request.caller, changes, request_id=request.id)
    return json_answer(changed, headers=[PRIVATE])


def _settings(request: CallerRequest) -> SettingsOf:
    return cast("SettingsOf", request.scope["state"]["settings"])


ROUTES = [get_session_settings, update_session_settings, get_brand_settings, update_brand_settings]

"""The operations of settings: what holds, who says so, and how it is changed."""

import msgspec
from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.errors import NotFound, ValidationFailed
from greenroom.kit.ids import BrandId, RequestId, new_id
from greenroom.session_settings import queries
from greenroom.session_settings.queries import SettingsChange
from greenroom.session_settings.schemas import (
    Said,
    SessionSettings,
    SettingsPatch,
    Source,
    VideoProvider,
)
from greenroom.sessions.service import brand_of, known_id_in, refuse_unless_done

MOST_OPEN_QUESTIONS = 5  # of one person in one session

_encode = msgspec.json.Encoder(enc_hook=int).encode  # whole numbers are of types of ours, which msgspec asks about


def defaults(video_provider: VideoProvider) -> Said:
    """What the program does by itself (DESIGN section 4)."""
    return Said(
        doors_open_minutes=15,
        host_grace_minutes=5,
        not_started_minutes=24 * 60,
        first_reminder_minutes=24 * 60,
        last_reminder_minutes=10,
        empty_grace_minutes=5,
        overrun_minutes=4 * 60,
        moderation=True,
        anonymous=True,
        open_questions=MOST_OPEN_QUESTIONS,
        video_provider=video_provider,
    )


class SettingsOf(Struct, frozen=True):
    """What the operations need of a process: its database, and what the program does by itself."""

    db: Database
    defaults: Said


async def of_session(there: SettingsOf, caller: Caller, session_id: str) -> SessionSettings:
    """What holds for the session. Raises NotFound."""
    known_id = known_id_in(session_id)
    kept = await queries.of_session(there.db, await brand_of(there.db, caller, known_id), known_id)
    if kept is None:
        raise NotFound("There is no such session.")
    return effective(session=kept.of_session, brand=kept.of_brand, default=there.defaults)


async def of_brand(there: SettingsOf, caller: Caller) -> SessionSettings:
    """What holds for the brand's sessions unless they say otherwise. Raises ValidationFailed."""
    said = await queries.of_brand(there.db, _brand_meant(caller))
    return effective(session=Said(), brand=said, default=there.defaults)


async def change_of_session(
    there: SettingsOf, caller: Caller, session_id: str, patch: SettingsPatch, *, request_id: RequestId
) -> SessionSettings:
    """Let the session say otherwise than its brand. Raises NotFound, Forbidden, InvalidStatus."""
    known_id = known_id_in(session_id)
    change = _change(patch, brand=await brand_of(there.db, caller, known_id), by=caller, request_id=request_id)
    outcome = await queries.change_of_session(there.db, known_id, change)
    refuse_unless_done(outcome.how)
    return effective(session=outcome.kept.of_session, brand=outcome.kept.of_brand, default=there.defaults)


async def change_of_brand(there: SettingsOf, caller: Caller, patch: SettingsPatch, *, request_id: RequestId) -> SessionSettings:
    """Let the brand say otherwise than the program. Raises ValidationFailed."""
    change = _change(patch, brand=_brand_meant(caller), by=caller, request_id=request_id)
    said = await queries.change_of_brand(there.db, new_id(), change)
    return effective(session=Said(), brand=said, default=there.defaults)


def effective(*, session: Said, brand: Said, default: Said) -> SessionSettings:
    """Each setting by the first who says something: the session, its brand, the program."""
    said_by: tuple[tuple[Source, Said], ...] = (("session", session), ("brand", brand), ("default", default))
    holding = {
        name: next({"value": value, "source": source} for source, said in said_by if (value := getattr(said, name)) is not None)
        for name in Said.__struct_fields__
    }
    return msgspec.convert(holding, SessionSettings)


def _change(patch: SettingsPatch, *, brand: BrandId, by: Caller, request_id: RequestId) -> SettingsChange:
    return SettingsChange(brand=brand, changes=_encode(patch).decode(), by=by, request_id=request_id, event_id=new_id())


def _brand_meant(caller: Caller) -> BrandId:
    if caller.brand is None:
        raise ValidationFailed("X-Brand-Id: expected the brand whose settings are meant.")
    return caller.brand

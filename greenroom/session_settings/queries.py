"""The SQL of settings: one round trip per operation. The functions are in migrations/0002_session_details.sql."""

from uuid import UUID

import msgspec
from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, RequestId, SessionId
from greenroom.session_settings.schemas import Said

OF_SESSION = """
select s.settings as of_session, (select b.settings from brand_settings b where b.brand_id = $1) as of_brand
from sessions s where s.brand_id = $1 and s.id = $2
"""

OF_BRAND = "select b.settings as of_brand from brand_settings b where b.brand_id = $1"

CHANGE_OF_SESSION = "select * from change_session_settings_v1($1, $2, $3, $4, $5, $6, $7, $8)"

CHANGE_OF_BRAND = "select * from change_brand_settings_v1($1, $2, $3, $4, $5, $6, $7)"

_said = msgspec.json.Decoder(Said)


class Kept(Struct, frozen=True):
    """What a session says, and what its brand does."""

    of_session: Said
    of_brand: Said


class SettingsChange(Struct, frozen=True, kw_only=True):
    """What to change: a JSON object whose nulls take a value away."""

    brand: BrandId
    changes: str
    by: Caller
    request_id: RequestId
    event_id: UUID


class SettingsOutcome(Struct, frozen=True):
    """How a change went, and what holds now."""

    how: str
    kept: Kept


async def of_session(db: Database, brand: BrandId, session_id: SessionId) -> Kept | None:
    """What the session and its brand say; None when there is no such session."""
    row = await db.row(OF_SESSION, brand, session_id)
    return None if row is None else Kept(_decoded(row["of_session"]), _decoded(row["of_brand"]))


async def of_brand(db: Database, brand: BrandId) -> Said:
    """What the brand says."""
    row = await db.row(OF_BRAND, brand)
    return Said() if row is None else _decoded(row["of_brand"])


async def change_of_session(db: Database, session_id: SessionId, it: SettingsChange) -> SettingsOutcome:
    """changed | unchanged | not_found | forbidden | invalid_status."""
    row = await db.row(
        CHANGE_OF_SESSION, it.brand, session_id, it.changes, it.by.user, it.by.manages, it.by.client, it.request_id, it.event_id
    )
    if row is None:
        raise AssertionError("a settings function always answers one row")
    return SettingsOutcome(row["outcome"], Kept(_decoded(row["of_session"]), _decoded(row["of_brand"])))


async def change_of_brand(db: Database, row_id: UUID, it: SettingsChange) -> Said:
    """What the brand says now. `row_id` names the brand in the audit log when it has no settings yet."""
    row = await db.row(CHANGE_OF_BRAND, it.brand, row_id, it.changes, it.by.user, it.by.client, it.request_id, it.event_id)
    if row is None:
        raise AssertionError("a settings function always answers one row")
    return _decoded(row["of_brand"])


def _decoded(settings: str | None) -> Said:
    return Said() if settings is None else _said.decode(settings)

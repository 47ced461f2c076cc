"""The wire."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

METADATA_OCTETS = 16 * 1024
LARGEST_LIMIT = 100

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_MONTH = re.compile(r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])")
_POSITIVE = re.compile(r"0*[1-9][0-9]*")


def _rfc_3339(value: Any) -> Any:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("expected an RFC 3339 date and time with an offset")
    return value


def _in_milliseconds(value: datetime) -> datetime:
    in_utc = value.astimezone(UTC)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("expected no NUL")
    return value


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("expected an integer")  # noqa: TRY004  # what pydantic turns into a refusal
    return value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(value)) > METADATA_OCTETS:
        raise ValueError("expected at most 16 KiB")
    return value


_NEVER = datetime.min.replace(tzinfo=UTC)


class SessionPatch(BaseModel):
    """What to change. A field that is absent stays as it is, so none has a default that could be sent."""

    title: Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_without_nul)] = ""
    scheduled_at: Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_in_milliseconds)] = datetime.min.replace(
        tzinfo=UTC
    )
    max_participants: Annotated[int, BeforeValidator(_not_boolean), Field(gt=0, le=2**31 - 1)] = 0
    kind: Literal["live", "office_hours"] = "live"
    metadata: Annotated[dict[str, Any], AfterValidator(_small)] = {}


def _month(value: str) -> str:
    if not _MONTH.fullmatch(value):
        raise ValueError("expected YYYY-MM")
    return value


def _flag(value: Any) -> Any:
    if value not in ("true", "false", "1", "0"):
        raise ValueError("expected true, false, 1 or 0")
    return value in ("true", "1")


def _limit(value: Any) -> Any:
    if not _POSITIVE.fullmatch(value):
        raise ValueError("expected an integer from 1 on")
    significant = value.lstrip("0")
    return LARGEST_LIMIT if len(significant) > len(str(LARGEST_LIMIT)) else min(int(significant), LARGEST_LIMIT)


_Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_without_nul)]
_Flag = Annotated[bool, BeforeValidator(_flag)]


class SessionFilters(BaseModel):
    """Which sessions to list. A filter that is absent lets all pass."""

    brand_id: _Name | None = None
    host_user_id: _Name | None = None
    host_id: _Name | None = None
    community_id: _Name | None = None
    status: Literal["scheduled", "live", "ended", "cancelled"] | None = None
    upcoming_only: _Flag | None = None
    upcoming: _Flag | None = None
    month: Annotated[str, AfterValidator(_month)] | None = None
    kind: Literal["live", "office_hours"] | None = None
    category: _Name | None = None
    cursor: str | None = None
    limit: Annotated[int, BeforeValidator(_limit)] | None = None

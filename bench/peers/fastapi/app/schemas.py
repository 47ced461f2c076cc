"""The wire."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

METADATA_OCTETS = 16 * 1024

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


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

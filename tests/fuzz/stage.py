"""Makes generated requests meet something: real sessions in every status, the caller's own brand and id, versions that hold.

Left alone, nearly every request would end at another brand's 403 or an unknown id's 404. Only valid values are replaced,
and only by valid ones, so that what was generated as good data stays good and as bad data bad. Which one is a function of
what was generated alone: the same seed sends the same requests.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import unquote
from zlib import crc32

import httpx
from requests.structures import CaseInsensitiveDict
from schemathesis import Case

from greenroom.kit.http.entity_tag import TAGS_SCHEMA
from greenroom.kit.ids import BrandId
from greenroom.sessions.schemas import NAME_CHARACTERS
from tests.fuzz.holders import ANOTHER_HOST, MAKER, USER, Holder

T = TypeVar("T")

# Whose a session is, in which brand, and what leads it to its status.
BRAND: Final = BrandId("acme")
ELSEWHERE: Final = BrandId("elsewhere")
SESSIONS: Final[Sequence[tuple[Holder, BrandId, Sequence[str]]]] = (
    (MAKER, BRAND, ()), (MAKER, BRAND, ()), (MAKER, BRAND, ("start",)), (MAKER, BRAND, ("start", "end")),
    (MAKER, BRAND, ("cancel",)), (ANOTHER_HOST, BRAND, ()), (MAKER, ELSEWHERE, ()),
)  # fmt: skip

HOST_FIELDS: Final = frozenset({"host_id", "host_user_id"})
BRAND_FIELDS: Final = frozenset({"brand_id", "x-brand-id"})
TAG_FIELDS: Final = frozenset({"if-match", "if-none-match"})
TAGS: Final = re.compile(TAGS_SCHEMA["pattern"])
VERSIONS: Final = ("*", '"1.0.0.0"', '"2.0.0.0"', 'W/"1.0.0.0", "7.1.0.1"')
SCHEDULED_AT: Final = "2027-03-01T17:00:00Z"
CO_HOST: Final = "co_host_1"

# What a schema cannot say of good data.
UNSTORED_TIME: Final = re.compile(r"^(0000|0001|9999)|:60")  # may be outside the years 1 to 9999 of UTC, or no second of ours
SAME_TWICE: Final = {"host_id": "host_user_id", "upcoming": "upcoming_only"}  # filters of two names must say the same
CURSOR: Final = "cursor"  # only the service makes them
OF_A_BRAND: Final = "/v1/brand/"  # who has no brand must name one here


class Stage:
    """A server, and the people who make sessions on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def set(self, case: Case[Any]) -> None:
        """Put what is there in place of what was made up, in most of the request's parts."""
        made = _chosen(_fingerprint(case, "id"), (None, *SESSIONS))
        set_all_but_session(case, BRAND)
        if "id" in case.path_parameters and made is not None:
            case.path_parameters = {**case.path_parameters, "id": self.session(*made)}

    def session(self, maker: Holder, brand: BrandId, steps: Sequence[str]) -> str:
        """The id of a new session that has taken these steps."""
        headers = maker.headers(brand)
        wanted = {
            "host_id": maker.user,
            "brand_id": brand,
            "title": "Ask the physiotherapist",
            "scheduled_at": SCHEDULED_AT,
            "max_participants": 100,
        }
        made = self._http.post("/v1/sessions", json=wanted, headers=headers).raise_for_status()
        path = made.headers["location"]
        for step in steps:
            self._http.post(f"{path}/{step}", headers=headers).raise_for_status()
        return str(made.json()["id"])


def set_all_but_session(case: Case[Any], brand: BrandId) -> None:
    """What Stage.set does, where the session is one that a link has named."""
    is_good = case.meta is None or case.meta.generation.mode.is_positive

    def placed(part: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: _chosen(_fingerprint(case, name), _candidates(name.lower(), value, brand, is_good=is_good))
            for name, value in part.items()
        }

    headers, query, path = placed(case.headers), placed(case.query), placed(case.path_parameters)
    body = placed(case.body) if isinstance(case.body, dict) else case.body
    if is_good:
        query = {name: query.get(SAME_TWICE.get(name, name), value) for name, value in query.items() if name != CURSOR}
    if case.path.startswith(OF_A_BRAND):
        headers = {"X-Brand-Id": brand, **headers}
    # A part is set only when it is another: Schemathesis then looks again whether it is good or bad.
    if headers != dict(case.headers):
        case.headers = CaseInsensitiveDict(headers)
    if query != dict(case.query):
        case.query = query
    if path != dict(case.path_parameters):
        case.path_parameters = path
    if body != case.body:
        case.body = body


def _candidates(name: str, value: Any, brand: BrandId, *, is_good: bool) -> Sequence[Any]:
    """What may stand for the value; the first ones more often."""
    text = value if isinstance(value, str) else ""
    if name in BRAND_FIELDS | HOST_FIELDS and 1 <= len(text) <= NAME_CHARACTERS:
        own = brand if name in BRAND_FIELDS else USER
        return (*[own] * 7, value)
    if name in TAG_FIELDS and TAGS.search(text):
        return (*VERSIONS, value)
    if name in TAG_FIELDS and is_good:  # Schemathesis's coverage phase leaves quotes out of headers, whatever the schema says
        return VERSIONS
    if name == "scheduled_at" and UNSTORED_TIME.search(text):
        return (SCHEDULED_AT,)
    if name == "user_id" and _is_no_co_host(text):
        return (CO_HOST,)
    return (value,)


def _is_no_co_host(quoted: str) -> bool:
    """The host cannot be one, and an id with a line break at its end is refused, because no router sees that; and
    Schemathesis, when it looks again, takes a percent-encoded id for one that is too long."""
    user = unquote(quoted)
    return user in {MAKER.user, ANOTHER_HOST.user} or user.endswith("\n") or len(user) <= NAME_CHARACTERS < len(quoted)


def _chosen(fingerprint: int, options: Sequence[T]) -> T:
    return options[fingerprint % len(options)]


def _fingerprint(case: Case[Any], part: str) -> int:
    """A number that stands for what was generated; a session's id may come from a link, and is another in every run."""
    path = {name: value for name, value in case.path_parameters.items() if name != "id"}
    said = (part, path, case.query, sorted(case.headers.items()), case.body)
    return crc32(repr(said).encode("utf-8", "surrogatepass"))

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
from msgspec import Struct
from requests.structures import CaseInsensitiveDict
from schemathesis import Case

from greenroom.kit.http.entity_tag import TAGS_SCHEMA
from greenroom.kit.ids import BrandId
from greenroom.sessions.schemas import NAME_CHARACTERS
from greenroom.webhooks.targets import URL_PATTERN
from tests.fuzz.holders import ANOTHER_HOST, MAKER, USER, Holder
from tests.server import AUTHORITIES

T = TypeVar("T")

BRAND: Final = BrandId("acme")
ELSEWHERE: Final = BrandId("elsewhere")
PLENTY: Final = 100


class Planned(Struct, frozen=True):
    """Whose a session is, in which brand, what leads it to its status, and how many seats it has."""

    maker: Holder
    brand: BrandId
    steps: Sequence[str] = ()
    seats: int = PLENTY


SESSIONS: Final = (
    Planned(MAKER, BRAND), Planned(MAKER, BRAND), Planned(MAKER, BRAND, seats=1),
    Planned(MAKER, BRAND, ("start",)), Planned(MAKER, BRAND, ("start",), seats=1),
    Planned(MAKER, BRAND, ("start", "end")), Planned(MAKER, BRAND, ("cancel",)),
    Planned(ANOTHER_HOST, BRAND), Planned(MAKER, ELSEWHERE),
)  # fmt: skip

HOST_FIELDS: Final = frozenset({"host_id", "host_user_id", "patient_id"})
BRAND_FIELDS: Final = frozenset({"brand_id", "x-brand-id"})
TAG_FIELDS: Final = frozenset({"if-match", "if-none-match"})
URL: Final = re.compile(URL_PATTERN)
TAGS: Final = re.compile(TAGS_SCHEMA["pattern"])
VERSIONS: Final = ("*", '"1.0.0.0"', '"2.0.0.0"', 'W/"1.0.0.0", "7.1.0.1"')
SCHEDULED_AT: Final = "2027-03-01T17:00:00Z"
GUEST: Final = "guest@example.com"
ZONE: Final = "Europe/Berlin"
HOOK: Final = "https://127.0.0.1:1/hook"
OF_HOOKS: Final = "/v1/webhook-endpoints"  # in the paths of who is told
SUBSCRIPTIONS: Final = ["live.session.", "live.recording.ready.v1"]
QUESTION: Final = "How long should one rest?"
CO_HOST: Final = "co_host_1"
OF_A_CALL: Final = "/live/calls/"  # in the paths that are about a call: a session has one when its host has wanted in
HELD_OCTETS: Final = 180  # of a user's id: the provider takes few more
OF_A_FEED: Final = "/v1/me/calendar.ics"  # whose ticket stands in the query
OF_QUESTIONS: Final = "/questions"  # in the paths that are about what is asked
OF_PEOPLE: Final = "/regist"  # in the paths that are about who is registered
NAMED_BY_LINKS: Final = frozenset({"id", "registration_id", "question_id", "endpoint_id", "delivery_id"})  # others in every run

# What a schema cannot say of good data.
UNSTORED_TIME: Final = re.compile(r"^(0000|0001|9999)|:60")  # may be outside the years 1 to 9999 of UTC, or no second of ours
SAME_TWICE: Final = {"host_id": "host_user_id", "upcoming": "upcoming_only"}  # filters of two names must say the same
ONE_OF: Final = ("patient_id", "guest_email")  # whom to register: a request names at most one
CURSOR: Final = "cursor"  # only the service makes them
# Who has no brand must name one here.
OF_A_BRAND: Final = ("/v1/brand/", "/v1/me/", "/v1/live/calls", "/v1/webhook-endpoints", "/v1/contacts/")


class Stage:
    """A server, and the people who make sessions on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(verify=AUTHORITIES, base_url=url, timeout=30)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def set(self, case: Case[Any]) -> None:
        """Put what is there in place of what was made up, in most of the request's parts."""
        made = chosen(fingerprint(case, "id"), (None, *SESSIONS))
        set_all_but_session(case, BRAND)
        if "id" in case.path_parameters and made is not None:
            case.path_parameters = {**case.path_parameters, **self._in_a_session(case, made)}
        elif "ticket" in case.path_parameters and made is not None:
            case.path_parameters = {**case.path_parameters, "ticket": self.ticket(made)}
        elif case.path == OF_A_FEED and made is not None and isinstance(case.query.get("ticket"), str):
            case.query = {**case.query, "ticket": self.feed(made)}
        elif "endpoint_id" in case.path_parameters and made is not None:
            endpoint, delivery = self.endpoint(made)
            placed = {"endpoint_id": endpoint, "delivery_id": delivery}
            case.path_parameters = {name: placed.get(name, value) for name, value in case.path_parameters.items()}

    def _in_a_session(self, case: Case[Any], made: Planned) -> dict[str, str]:
        """The ids of a new session, and of what the path names in it."""
        placed = {"id": self.created(made)}
        if OF_PEOPLE in case.path:
            people = self.people(made, placed["id"])
            if "registration_id" in case.path_parameters:
                placed["registration_id"] = chosen(fingerprint(case, "registration_id"), people)
            elif chosen(fingerprint(case, "has left"), (True, False)):
                self._asked("DELETE", f"/v1/sessions/{placed['id']}/registrations/me", MAKER, made.brand)
        if OF_QUESTIONS in case.path:
            questions = self.questions(made, placed["id"])
            if "question_id" in case.path_parameters:
                placed["question_id"] = chosen(fingerprint(case, "question_id"), questions)
        if OF_A_CALL in case.path:
            self.opened(made, placed["id"])
        self.moved(made, placed["id"])
        return placed

    def session(self, planned: Planned) -> str:
        """The id of a new session that has taken its steps."""
        session = self.created(planned)
        self.moved(planned, session)
        return session

    def created(self, planned: Planned) -> str:
        """The id of a new session."""
        wanted = {
            "host_id": planned.maker.user,
            "brand_id": planned.brand,
            "title": "Ask the physiotherapist",
            "scheduled_at": SCHEDULED_AT,
            "max_participants": planned.seats,
        }
        return str(self._asked("POST", "/v1/sessions", planned.maker, planned.brand, wanted)["id"])

    def moved(self, planned: Planned, session: str) -> None:
        """Take the session's steps."""
        for step in planned.steps:
            self._asked("POST", f"/v1/sessions/{session}/{step}", planned.maker, planned.brand)

    def opened(self, planned: Planned, session: str) -> None:
        """The session's call is made, whatever its brand says of who carries calls."""
        path, said = f"/v1/sessions/{session}", {"video_provider": "getstream"}
        self._asked("PATCH", f"{path}/settings", planned.maker, planned.brand, said)
        self._asked("POST", f"{path}/join", planned.maker, planned.brand, {"user_id": planned.maker.user})

    def people(self, planned: Planned, session: str) -> Sequence[str]:
        """The ids of registrations: a guest's, and that of the user who all holders are, who waits when there is one seat."""
        path, guest = f"/v1/sessions/{session}", {"guest_email": GUEST}
        invited = self._asked("POST", f"{path}/register", planned.maker, planned.brand, guest)
        own = self._asked("POST", f"{path}/registrations", MAKER, planned.brand)
        return str(invited["id"]), str(own["id"])

    def questions(self, planned: Planned, session: str) -> Sequence[str]:
        """The ids of a question that was let through and of one that was not, asked by the user who all holders are."""
        path = f"/v1/sessions/{session}/questions"
        said = {"moderation": True, "open_questions": 2}  # whatever their brand says
        self._asked("PATCH", f"/v1/sessions/{session}/settings", planned.maker, planned.brand, said)
        approved, pending = (self._asked("POST", path, MAKER, planned.brand, {"body": QUESTION}) for _ in range(2))
        self._asked("PATCH", f"{path}/{approved['id']}", planned.maker, planned.brand, {"status": "approved"})
        return str(approved["id"]), str(pending["id"])

    def endpoint(self, planned: Planned) -> tuple[str, str]:
        """The ids of an endpoint of webhooks, where nobody listens, and of a delivery to it."""
        wanted = {"url": HOOK, "events": ["live.recording."]}
        path = "/v1/webhook-endpoints"
        for old in self._asked("GET", f"{path}?limit=100", planned.maker, planned.brand)["webhook_endpoints"][:-50]:
            self._http.delete(
                f"{path}/{old['id']}", headers=planned.maker.headers(planned.brand)
            )  # a brand has a thousand at most
        endpoint = str(self._asked("POST", path, planned.maker, planned.brand, wanted)["id"])
        delivery = self._asked("POST", f"/v1/webhook-endpoints/{endpoint}/test", planned.maker, planned.brand)
        return endpoint, str(delivery["id"])

    def ticket(self, planned: Planned) -> str:
        """What a guest's link ends with."""
        session = self.created(planned)
        guest, _ = self.people(planned, session)
        path = f"/v1/sessions/{session}/registrations/{guest}/link"
        url = str(self._asked("POST", path, planned.maker, planned.brand)["url"])
        self.moved(planned, session)
        return url.rpartition("/")[2]

    def feed(self, planned: Planned) -> str:
        """The ticket of the maker's calendar, which has the session in it."""
        self.session(planned)
        return str(self._asked("POST", "/v1/me/calendar-feed", planned.maker, planned.brand)["ticket"])

    def _asked(self, method: str, path: str, holder: Holder, brand: BrandId, body: Any = None) -> dict[str, Any]:
        response = self._http.request(method, path, json=body, headers=holder.headers(brand)).raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


def set_all_but_session(case: Case[Any], brand: BrandId) -> None:
    """What Stage.set does, where the session is one that a link has named."""
    is_good = case.meta is None or case.meta.generation.mode.is_positive

    def placed(part: Mapping[str, Any], whose: str = "user_id") -> dict[str, Any]:
        """In a body a user_id is whom something is for, and elsewhere a co-host."""
        return {
            name: chosen(
                fingerprint(case, name),
                _candidates(whose if name == "user_id" else name.lower(), value, brand, is_good=is_good),
            )
            for name, value in part.items()
        }

    headers, query, path = placed(case.headers), placed(case.query), placed(case.path_parameters)
    body = placed(case.body, "host_user_id") if isinstance(case.body, dict) else case.body
    if case.path.startswith(OF_HOOKS) and isinstance(body, dict):
        body = {name: _hook_field(name, value, is_good=is_good) for name, value in body.items()}
    if is_good:
        query = {name: query.get(SAME_TWICE.get(name, name), value) for name, value in query.items() if name != CURSOR}
    if is_good and isinstance(body, dict) and all(name in body for name in ONE_OF):
        spare = chosen(fingerprint(case, "whom"), ONE_OF)
        body = {name: value for name, value in body.items() if name != spare}
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
        return (own,) if len(text.encode(errors="surrogatepass")) > HELD_OCTETS else (*[own] * 7, value)
    if name in TAG_FIELDS and TAGS.search(text):
        return (*VERSIONS, value)
    if name in TAG_FIELDS and is_good:  # Schemathesis's coverage phase leaves quotes out of headers, whatever the schema says
        return VERSIONS
    if name == "scheduled_at" and UNSTORED_TIME.search(text):
        return (SCHEDULED_AT,)
    if name == "user_id" and _is_no_co_host(text):
        return (CO_HOST,)
    plausible = {"guest_email": (GUEST, value), "time_zone": (ZONE if text else value,)}  # no schema lists all zones
    return plausible.get(name, (value,)) if is_good else (value,)


def _hook_field(name: str, value: Any, *, is_good: bool) -> Any:
    """No fuzz is sent anywhere, and few of the URLs and names that are made up may be used."""
    if name == "url" and (is_good or (isinstance(value, str) and URL.search(value))):
        return HOOK
    return SUBSCRIPTIONS if name == "events" and is_good else value


def _is_no_co_host(quoted: str) -> bool:
    """The host cannot be one, and an id with a line break at its end is refused, because no router sees that; and
    Schemathesis, when it looks again, takes a percent-encoded id for one that is too long."""
    user = unquote(quoted)
    return user in {MAKER.user, ANOTHER_HOST.user} or user.endswith("\n") or len(user) <= NAME_CHARACTERS < len(quoted)


def chosen(number: int, options: Sequence[T]) -> T:
    """One of them, always the same for the same number."""
    return options[number % len(options)]


def fingerprint(case: Case[Any], part: str) -> int:
    """A number that stands for what was generated; what may come from a link is another in every run."""
    path = {name: value for name, value in case.path_parameters.items() if name not in NAMED_BY_LINKS}
    said = (part, path, case.query, sorted(case.headers.items()), case.body)
    return crc32(repr(said).encode("utf-8", "surrogatepass"))

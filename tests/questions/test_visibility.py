"""Nobody is ever shown what they may not see: whatever is asked, moderated, voted on and pinned, in whatever order."""

from collections.abc import Callable
from typing import Any, Final, Literal
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from greenroom.kit.ids import BrandId
from tests.questions.forum import STATUSES
from tests.server import AUTHORITIES, Server
from tests.tenant import Json, Tenant

EXAMPLES: Final = 8

# anna has a seat and ben another; wim waits for one; rosa was removed; zoe has none.
SCOPES: Final = {
    "host_1": "read:live write:live", "host_2": "read:live write:live", "manager": "manage:live",
    "anna": "read:live write:live", "ben": "read:live write:live", "wim": "read:live write:live",
    "rosa": "read:live write:live", "zoe": "read:live write:live",
}  # fmt: skip
MODERATORS: Final = frozenset({"host_1", "host_2", "manager"})
PUBLIC: Final = frozenset({"approved", "answered"})
SEATS: Final = 3

Verb = Literal["ask", "moderate", "vote", "take back", "pin", "unpin", "set", "step"]


class Act(Struct, frozen=True):
    """Who does what, to which of the questions so far; and what is said with it."""

    verb: Verb
    who: str
    nth: int
    said: str


WHO: Final = st.sampled_from(sorted(SCOPES))
NTH: Final = st.integers(0, 9)
STATUS: Final = st.sampled_from(["approved", "approved", "dismissed", "answered", "pending"])
ON_QUESTIONS: Final[list[Verb]] = ["vote", "vote", "take back", "pin", "unpin"]
SETTINGS: Final = ["moderation on", "moderation off", "anonymous on", "anonymous off"]
ACTS: Final = st.one_of(
    st.builds(Act, st.just("ask"), WHO, NTH, st.just("")),
    st.builds(Act, st.just("moderate"), st.just("host_1"), NTH, STATUS),
    st.builds(Act, st.just("moderate"), WHO, NTH, STATUS),
    st.builds(Act, st.sampled_from(ON_QUESTIONS), WHO, NTH, st.just("")),
    st.builds(Act, st.just("set"), st.just("host_1"), NTH, st.sampled_from(SETTINGS)),
    st.builds(Act, st.just("step"), st.just("host_1"), NTH, st.sampled_from(["start", "start", "end", "cancel"])),
)


class Walk:
    """A session, and what its moderators see of it, which is all there is."""

    def __init__(self, http: httpx.Client, tenant: Tenant) -> None:
        self.http = http
        self.tenant = tenant
        made = http.post("/v1/sessions", json=tenant.wanted(max_participants=SEATS), headers=tenant.bearer())
        self.path = f"/v1/sessions/{made.json()['id']}"
        self.anonymous = True
        self.ids: list[str] = []
        self.does(200, "PUT", "/co-hosts/host_2", "host_1")
        removed = self.does(201, "POST", "/registrations", "rosa")
        self.does(200, "DELETE", f"/registrations/{removed['id']}", "host_1")
        for user in ("anna", "ben", "cid", "wim"):
            self.does(201, "POST", "/registrations", user)
        for steps in STATUSES.values():
            for user in ("anna", "ben"):
                self.act(Act("ask", user, 0, ""))
                for status in steps:
                    self.act(Act("moderate", "host_2", len(self.ids) - 1, status))

    def headers(self, user: str) -> dict[str, str]:
        return self.tenant.bearer(user, scope=SCOPES.get(user, "read:live write:live"))

    def does(self, status: int, method: str, path: str, user: str) -> Json:
        response = self.http.request(method, f"{self.path}{path}", headers=self.headers(user))
        assert response.status_code == status, response.text
        answer: Json = response.json()
        return answer

    def act(self, act: Act) -> None:
        """It is done, or refused; no answer shows what the one who asks may not see."""
        question = f"/questions/{self.ids[act.nth % len(self.ids)] if self.ids else uuid4()}"
        requests: dict[Verb, tuple[str, str, Any]] = {
            "ask": ("POST", "/questions", {"body": "Why?"}),
            "moderate": ("PATCH", question, {"status": act.said}),
            "vote": ("PUT", f"{question}/vote", None),
            "take back": ("DELETE", f"{question}/vote", None),
            "pin": ("POST", f"{question}/pin", None),
            "unpin": ("DELETE", f"{question}/pin", None),
            "set": ("PATCH", "/settings", {act.said.split()[0]: act.said.endswith("on")} if act.verb == "set" else None),
            "step": ("POST", f"/{act.said}", None),
        }
        method, path, body = requests[act.verb]
        before = {one["id"]: one for one in self.list("manager")}
        response = self.http.request(method, f"{self.path}{path}", json=body, headers=self.headers(act.who))
        assert response.status_code < 500, response.text
        if not response.is_success:
            self.assert_told_nothing(act, response, before)
            return
        if act.verb == "ask":
            self.ids.append(response.json()["id"])
        if act.said.startswith("anonymous"):
            self.anonymous = act.said.endswith("on")
        if "asker_user_id" in response.json():
            answer: Json = response.json()
            full = {one["id"]: one for one in self.list("manager")}[answer["id"]]
            assert act.who in MODERATORS | {full["asker_user_id"]}
            assert answer["moderator_user_id"] == (full["moderator_user_id"] if act.who in MODERATORS else None)

    def assert_told_nothing(self, act: Act, response: httpx.Response, before: dict[str, Json]) -> None:
        """Of a question that one may not see it is said that there is none, and nothing else."""
        hidden = act.verb in {"moderate", "vote", "take back", "pin", "unpin"} and self.ids
        if hidden and not self.may_see(before[self.ids[act.nth % len(self.ids)]], act.who):
            assert response.json()["error"] == "not_found"

    def list(self, user: str, **parameters: str) -> list[Json]:
        wanted = {"limit": "100", **parameters}
        response = self.http.get(f"{self.path}/questions", params=wanted, headers=self.headers(user))
        assert response.status_code == 200, response.text
        listed: list[Json] = response.json()["questions"]
        return listed

    def may_see(self, full: Json, user: str) -> bool:
        return user in MODERATORS or full["asker_user_id"] == user or full["status"] in PUBLIC

    def assert_shown(self, voted: Callable[[str, str], bool]) -> None:
        """Everybody is shown just what they may see, as they may see it, in either order."""
        everything = {sort: self.list("manager", sort=sort) for sort in ("top", "new")}
        assert [one["id"] for one in everything["new"]] == self.ids[::-1]
        for user in SCOPES:
            for sort, all_of_them in everything.items():
                expected = [
                    {
                        **full,
                        "asker_user_id": full["asker_user_id"]
                        if user in MODERATORS | {full["asker_user_id"]} or not self.anonymous
                        else "anonymous",
                        "moderator_user_id": full["moderator_user_id"] if user in MODERATORS else None,
                        "has_voted": voted(user, full["id"]),
                    }
                    for full in all_of_them
                    if self.may_see(full, user)
                ]
                assert self.list(user, sort=sort) == expected, (user, sort)


@given(acts=st.lists(ACTS, min_size=4, max_size=14))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # to shrink what is found would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nobody_is_shown_what_they_may_not_see(server: Server, acts: list[Act]) -> None:
    votes: set[tuple[str, str]] = set()
    with httpx.Client(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
        walk = Walk(http, Tenant(BrandId(f"brand-{uuid4().hex[:12]}")))
        for act in acts:
            counted = {one["id"]: one["vote_count"] for one in walk.list("manager")}
            walk.act(act)
            for one in walk.list("manager"):  # a count that moved is the vote of the one who acted
                if one["vote_count"] > counted.get(one["id"], 0):
                    votes.add((act.who, one["id"]))
                if one["vote_count"] < counted.get(one["id"], 0):
                    votes.remove((act.who, one["id"]))
            walk.assert_shown(lambda user, question: (user, question) in votes)

"""The table "Who may do what" of DESIGN section 4, written down again: what the code says of itself proves nothing here."""

from typing import Final, Literal

from msgspec import Struct

Role = Literal["host", "co_host", "registered", "stranger"]

ROLES: Final[tuple[Role, ...]] = ("host", "co_host", "registered", "stranger")
EVERYBODY: Final = frozenset(ROLES)
HOSTS: Final = frozenset[Role]({"host", "co_host"})
HOST: Final = frozenset[Role]({"host"})
ONESELF: Final = frozenset[Role]({"registered"})  # whom the examples of asking.py name

WITHOUT_A_SEAT: Final[dict[Role, str]] = {"host": "not_found", "co_host": "not_found", "stranger": "not_found"}

# What a token of one scope may be used for: `manage:live` contains read and write, `admin:live` contains manage, `admin:*` all.
ALLOWS: Final = {
    "read:live": {"read:live"},
    "write:live": {"write:live"},
    "manage:live": {"read:live", "write:live", "manage:live"},
    "admin:live": {"read:live", "write:live", "manage:live", "admin:live"},
    "admin:*": {"read:live", "write:live", "manage:live", "admin:live", "admin:*"},
}
MANAGING: Final = frozenset({"manage:live", "admin:live", "admin:*"})  # whose role in the session does not matter


class Rule(Struct, frozen=True, kw_only=True):
    """Who may use an operation."""

    scope: str
    roles: frozenset[Role] = EVERYBODY
    after: tuple[str, ...] = ()  # the steps that lead a new session to where the operation makes sense
    asks_for_brand: bool = False  # who has no brand must name one, which is a 400
    told: dict[Role, str] = {}  # what they are told who may, but have nothing there to do it to, or have done it already


# An operation that is not here fails test_table.py: whoever adds one says here who may use it.
TABLE: Final[dict[str, Rule]] = {
    "getSession": Rule(scope="read:live"),
    "listSessions": Rule(scope="read:live"),
    "createSession": Rule(scope="write:live", roles=HOST),  # the caller, unless the caller manages
    "updateSession": Rule(scope="write:live", roles=HOSTS),
    "startSession": Rule(scope="write:live", roles=HOSTS),
    "endSession": Rule(scope="write:live", roles=HOSTS, after=("start",)),
    "cancelSession": Rule(scope="write:live", roles=HOSTS),
    "addCoHost": Rule(scope="write:live", roles=HOST),  # a co-host does what the host does, but makes no co-hosts
    "removeCoHost": Rule(scope="write:live", roles=HOST),
    "getSessionSettings": Rule(scope="read:live"),
    "updateSessionSettings": Rule(scope="write:live", roles=HOSTS),
    "getBrandSettings": Rule(scope="read:live", asks_for_brand=True),
    "updateBrandSettings": Rule(scope="admin:live", asks_for_brand=True),
    "listAdminSessions": Rule(scope="admin:live"),
    "updateAdminSession": Rule(scope="admin:live"),
    "registerMe": Rule(scope="write:live"),
    "register": Rule(scope="write:live", told={"registered": "conflict"}),
    "getMyRegistration": Rule(scope="read:live", told=WITHOUT_A_SEAT),
    "cancelMyRegistration": Rule(scope="write:live", told=WITHOUT_A_SEAT),
    "listMyRegistrations": Rule(scope="read:live", asks_for_brand=True),
    "listRegistrations": Rule(scope="write:live", roles=HOSTS),
    "listAdminRegistrations": Rule(scope="admin:live"),
    "removeRegistration": Rule(scope="write:live", roles=HOSTS),
    "allowRegistration": Rule(scope="write:live", roles=HOSTS),
    "linkRegistration": Rule(scope="write:live", roles=HOSTS | {"registered"}),  # who registered the guest in asking.py
    "joinSession": Rule(scope="write:live", roles=ONESELF, after=("start",)),
    "getChatToken": Rule(scope="read:live", told={"stranger": "forbidden"}),  # whatever they manage: nobody listens in
    "createCall": Rule(scope="write:live", roles=HOST, asks_for_brand=True),
    "getCall": Rule(scope="read:live"),
    "createCallToken": Rule(scope="write:live", roles=HOSTS | ONESELF, after=("start",)),
    "endCall": Rule(scope="write:live", roles=HOSTS, after=("start",)),
    "getAttendance": Rule(scope="write:live", roles=HOSTS),
    "listRecordings": Rule(scope="read:live", roles=HOSTS | ONESELF),
    "removeParticipant": Rule(scope="write:live", roles=HOSTS),
    "askQuestion": Rule(scope="write:live", after=("start",)),  # there are free seats in asking.py, and whoever could join may
    "listQuestions": Rule(scope="read:live"),
    "moderateQuestion": Rule(scope="write:live", roles=HOSTS),  # one that was let through: no asker takes it back
    "voteForQuestion": Rule(scope="write:live", after=("start",)),
    "takeVoteBack": Rule(scope="write:live", after=("start",)),
    "pinQuestion": Rule(scope="write:live", roles=HOSTS),
    "unpinQuestion": Rule(scope="write:live", roles=HOSTS),
    "getContact": Rule(scope="manage:live", asks_for_brand=True),
    "putContact": Rule(scope="manage:live", asks_for_brand=True),
    "eraseContact": Rule(scope="manage:live", asks_for_brand=True),
    "listMailTemplates": Rule(scope="admin:live", asks_for_brand=True),
    "putMailTemplate": Rule(scope="admin:live", asks_for_brand=True),
    "eraseMailTemplate": Rule(scope="admin:live", asks_for_brand=True),
    "createWebhookEndpoint": Rule(scope="manage:live", asks_for_brand=True),
    "listWebhookEndpoints": Rule(scope="manage:live", asks_for_brand=True),
    "getWebhookEndpoint": Rule(scope="manage:live", asks_for_brand=True),
    "updateWebhookEndpoint": Rule(scope="manage:live", asks_for_brand=True),
    "deleteWebhookEndpoint": Rule(scope="manage:live", asks_for_brand=True),
    "listWebhookDeliveries": Rule(scope="manage:live", asks_for_brand=True),
    "redeliverWebhook": Rule(scope="manage:live", asks_for_brand=True),
    "testWebhookEndpoint": Rule(scope="manage:live", asks_for_brand=True),
    "rotateWebhookSecret": Rule(scope="manage:live", asks_for_brand=True),
    "createStreamTicket": Rule(scope="read:live"),
    "watchSession": Rule(scope="read:live"),
    "getSessionCalendar": Rule(scope="read:live"),
    "createCalendarFeed": Rule(scope="write:live", asks_for_brand=True),
    "revokeCalendarFeed": Rule(scope="write:live", asks_for_brand=True),
}

"""The document as Schemathesis sees it, and which of its checks are on."""

from typing import Final

import schemathesis
from schemathesis.config import SchemathesisConfig

from tests.contract.schemas import OURS
from tests.fuzz.budget import EXAMPLES, SEED, STEPS

# What asks the provider, or needs one: a brand whose settings name none is told so.
OF_A_PROVIDER: Final = ("joinSession", "createCall", "createCallToken", "endCall", "getChatToken")
OF_VOTES_AND_PINS: Final = ("voteForQuestion", "takeVoteBack", "pinQuestion", "unpinQuestion")
NOT_WITH_A_HOST: Final = ("removeParticipant", "addCoHost")
GOOD: Final = ["2xx", "304", "401", "403", "404", "409", "412"]

CONFIG: Final = SchemathesisConfig.from_dict(
    {
        "seed": SEED,
        "generation": {
            "mode": "all",
            "max-examples": EXAMPLES,
            "deterministic": False,  # the seed is what makes it repeatable; this would make the seed count for nothing
            "database": "none",
            "with-security-parameters": False,  # the token is the holder's
            "allow-x00": False,  # NUL is a 400 by DESIGN, and the contract's schemas, which ours must equal, do not say so
        },
        "phases": {
            "coverage": {"generate-duplicate-query-parameters": True},
            "stateful": {"max-steps": STEPS, "inference": {"algorithms": []}},  # the document's own links, no guesses
        },
        "checks": {
            # Every check is on. These two are told which statuses the order of answers allows:
            # bad data is a 400 unless what comes before it in the order speaks first (a bad path is a 404), never 409 or 412;
            "negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "413", "415"]},
            # good data may meet a session that is not there, is another's, or is in another status.
            "positive_data_acceptance": {"expected-statuses": GOOD},
        },
        # A session that was just made is there, and yet nobody is registered for it: these are a 404. A registration that was
        # cancelled by DELETE is there still, and says so. A vote may be given again that was taken back, and so with a pin.
        "operations": [
            {
                "include-operation-id": name,
                "checks": {"ensure_resource_availability": {"enabled": False}, "use_after_free": {"enabled": False}},
            }
            for name in ("getMyRegistration", "cancelMyRegistration", *OF_VOTES_AND_PINS)
        ]
        + [
            {
                "include-operation-id": name,
                "checks": {
                    "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
                    "positive_data_acceptance": {"expected-statuses": [*GOOD, "503"]},
                },
            }
            for name in OF_A_PROVIDER
        ]
        # A host's id is a good id, and its person one with whom this cannot be done: a 400, which no schema can say.
        + [
            {
                "include-operation-id": name,
                "checks": {"positive_data_acceptance": {"expected-statuses": [*GOOD, "400"]}},
            }
            for name in NOT_WITH_A_HOST
        ],
    }
)

# The live stream never ends, and Schemathesis would wait for its end: tests/stream/ opens it with what is bad.
SURFACE: Final = schemathesis.openapi.from_dict(OURS, config=CONFIG).exclude(operation_id="watchSession")

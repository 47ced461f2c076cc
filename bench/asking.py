"""The peer of the joins: ours, which asks the provider to get or create the call at each join, as one would naively.

`python -m bench.asking serve --workers 2` is `greenroom serve` otherwise: the same seats, tokens, checks and round trips. It is
kind that it asks after all that: nobody who is refused costs a question, and what it asks for it knows without a look.
"""

import sys

from greenroom.calls import service
from greenroom.calls.making import asked
from greenroom.calls.schemas import JoinRequest, JoinToken
from greenroom.calls.service import Calls
from greenroom.cli import main
from greenroom.identity.caller import Caller
from greenroom.kit.errors import NotConfigured
from greenroom.kit.ids import RequestId, UserId
from greenroom.providers.protocol import CallPlan

_ours = service.join


async def asking_join(
    there: Calls, caller: Caller, session_id: str, wanted: JoinRequest, *, request_id: RequestId
) -> JoinToken:
    """As ours, and then a question to the provider."""
    joined = await _ours(there, caller, session_id, wanted, request_id=request_id)
    provider = there.providers.video(there.carriers.default)
    if provider is None:
        raise NotConfigured
    plan = CallPlan(id=joined.call_id, title="Everybody comes", starts_at=None, host=UserId("host_1"), records=True)
    await asked(provider.ensure_call(plan))
    return joined


service.join = asking_join  # in the parent, and in each worker, for which this module is imported anew

if __name__ == "__main__":
    sys.exit(main())

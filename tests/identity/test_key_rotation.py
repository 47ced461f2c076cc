"""Secret keys are rotated in three steps, and no token that is still good is refused in between."""

from datetime import timedelta
from pathlib import Path

import httpx

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, running_server
from tests.wire import assert_refused

OLD, NEW = "the key that signed until this morning", "the key that signs from this morning on"
UNKNOWN = "/v1/sessions/0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11"


def bearer(key: str) -> dict[str, str]:
    grant = new_grant(
        user=UserId("host_1"), brand=BrandId("acme"), scope="read:live", client=ClientId("test"), lifetime=timedelta(hours=1)
    )
    return {"Authorization": f"Bearer {Signer([key]).sign(grant)}"}


async def test_a_key_is_added_then_signs_then_leaves(database: TestDatabase, tmp_path: Path) -> None:
    old, new = bearer(OLD), bearer(NEW)
    for keys, good, refused in (
        ([OLD], [old], [new]),
        ([OLD, NEW], [old, new], []),
        ([NEW, OLD], [old, new], []),
        ([NEW], [new], [old]),
    ):
        with running_server(database, tmp_path, settings={"GREENROOM_SECRET_KEYS": ",".join(keys)}) as server:
            async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
                for headers in good:
                    assert_refused(await http.get(UNKNOWN, headers=headers), "not_found")
                for headers in refused:
                    assert_refused(await http.get(UNKNOWN, headers=headers), "invalid_token")

"""Mail of what happened while somebody writes elsewhere in the cluster, and has not committed yet."""

import asyncio

import asyncpg

from tests.notifications.office import Office
from tests.notifications.post import Post
from tests.postgres import Cluster

HOLD = "select pg_current_xact_id()"


async def test_what_another_database_holds_back_is_mailed_when_that_has_ended(
    cluster: Cluster, office: Office, post: Post
) -> None:
    elsewhere = await asyncpg.connect(cluster.url("postgres"))
    try:
        async with elsewhere.transaction():
            await elsewhere.execute(HOLD)
            await office.session("ada", tell=False)
            delivering = asyncio.create_task(office.deliver())
            done, _ = await asyncio.wait([delivering], timeout=2)
            assert (done, post.taken) == (set(), [])
        await delivering
    finally:
        await elsewhere.close()
    assert post.subjects() == ["You are registered: Ask us"]

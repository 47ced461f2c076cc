"""What tests of attendance share."""

import httpx
import pytest

from greenroom.kit.database import Database
from tests.attendance.stage import Stage, stage
from tests.postgres import Owner
from tests.tenant import Tenant


@pytest.fixture
async def it(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> Stage:
    """A session that should begin two hours ago, and its call."""
    return await stage(http, tenant, owner, db)

"""The identity server of these tests, one for each worker of the run."""

from collections.abc import Iterator

import pytest

from tests.identity.oidc import OidcProvider, running_provider


@pytest.fixture(scope="session")
def oidc() -> Iterator[OidcProvider]:
    """An OAuth server whose keys no test changes."""
    with running_provider() as running:
        yield running


@pytest.fixture
def rotating_oidc() -> Iterator[OidcProvider]:
    """An OAuth server of the test's own."""
    with running_provider() as running:
        yield running

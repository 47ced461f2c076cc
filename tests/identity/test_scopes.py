"""What a scope contains (DESIGN section 4, "Who may do what")."""

import pytest

from greenroom.identity.scopes import scopes_in

EVERY = {"read:live", "write:live", "manage:live", "admin:live", "admin:*"}


@pytest.mark.parametrize(("text", "granted"), [
    ("", set()),
    ("read:live", {"read:live"}),
    ("write:live", {"write:live"}),
    ("manage:live", {"manage:live", "read:live", "write:live"}),
    ("admin:live", {"admin:live", "manage:live", "read:live", "write:live"}),
    ("admin:*", EVERY),
    ("read:live write:live", {"read:live", "write:live"}),
    ("  read:live   read:live ", {"read:live"}),
])  # fmt: skip
def test_a_scope_grants_what_it_contains(text: str, granted: set[str]) -> None:
    assert scopes_in(text) == granted


@pytest.mark.parametrize("text", ["admin", "*", "admin:", "ADMIN:*", "read:*", "live", "manage:livestock"])
def test_a_scope_that_nobody_knows_grants_nothing(text: str) -> None:
    assert not scopes_in(text) & EVERY

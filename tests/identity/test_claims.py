"""From claims to a caller: which claim is what, and what cannot be anybody's name."""

import math
from typing import Any

import pytest

from greenroom.identity.claims import LEEWAY_SECONDS, ClaimNames, caller_of, expiry_of
from greenroom.kit.errors import InvalidToken

CLAIMS = {"sub": "ann", "client_id": "app", "brand": "acme", "scope": "read:live"}
NOW = 1_800_000_000.0


def said(**changed: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **changed}.items() if value is not ...}


def test_the_usual_claims_name_the_caller() -> None:
    caller = caller_of(CLAIMS, ClaimNames())
    assert (caller.user, caller.client, caller.brand) == ("ann", "app", "acme")
    assert caller.scopes == {"read:live"}


@pytest.mark.parametrize(
    "scope", ["write:live read:live", ["read:live", "write:live"], ["write:live", "read:live", "else:where"]]
)
def test_scopes_are_a_text_or_an_array(scope: object) -> None:
    assert caller_of(said(scope=scope), ClaimNames()).scopes == {"read:live", "write:live"}


@pytest.mark.parametrize(
    "scope", [..., None, "", [], "openid profile", ["read:live admin:*"], "admin:\u2003*", "read:live\tadmin:*"]
)
def test_a_scope_that_nobody_knows_is_no_scope(scope: object) -> None:
    assert caller_of(said(scope=scope), ClaimNames()).scopes == frozenset()


@pytest.mark.parametrize("scope", [5, True, {"read:live": True}, [["read:live"]], ["read:live", 5]])
def test_scopes_of_another_form_are_refused(scope: object) -> None:
    with pytest.raises(InvalidToken):
        caller_of(said(scope=scope), ClaimNames())


def test_scopes_of_several_claims_add_up() -> None:
    names = ClaimNames(scopes=("scope", "scp", "permissions", "absent"))
    claims = said(scope="openid", scp=["read:live"], permissions=["write:live"])
    assert caller_of(claims, names).scopes == {"read:live", "write:live"}


def test_a_wider_scope_contains_the_others() -> None:
    assert caller_of(said(scope="admin:live"), ClaimNames()).scopes == {"admin:live", "manage:live", "write:live", "read:live"}


def test_a_claim_may_be_reached_by_a_path() -> None:
    names = ClaimNames(brand="o.id", scopes=("resource_access.greenroom.roles",))
    claims = said(o={"id": "org_1"}, resource_access={"greenroom": {"roles": ["manage:live"]}})
    caller = caller_of(claims, names)
    assert (caller.brand, "manage:live" in caller.scopes) == ("org_1", True)


def test_a_claims_own_name_may_have_dots_in_it() -> None:
    name = "https://greenroom.example/brand"
    assert caller_of({**CLAIMS, name: "acme-2"}, ClaimNames(brand=name)).brand == "acme-2"


def test_the_name_itself_goes_before_the_path() -> None:
    assert caller_of(said(**{"o.id": "literal", "o": {"id": "path"}}), ClaimNames(brand="o.id")).brand == "literal"


@pytest.mark.parametrize("claims", [{}, {"o": None}, {"o": "org_1"}, {"o": []}, {"o": {"slug": "x"}}])
def test_a_path_that_leads_nowhere_names_no_brand(claims: dict[str, Any]) -> None:
    assert caller_of({**CLAIMS, **claims}, ClaimNames(brand="o.id")).brand is None


@pytest.mark.parametrize("brand", [..., None])
def test_a_token_may_name_no_brand(brand: object) -> None:
    assert caller_of(said(brand=brand), ClaimNames()).brand is None


@pytest.mark.parametrize("user", [..., None])
def test_a_client_without_a_user_is_its_own(user: object) -> None:
    assert caller_of(said(sub=user), ClaimNames()).user == "app"


def test_the_first_claim_that_names_the_client_counts() -> None:
    assert caller_of(said(azp="other"), ClaimNames()).client == "app"
    assert caller_of(said(client_id=..., azp="other"), ClaimNames()).client == "other"


def test_a_token_without_a_client_is_refused() -> None:
    with pytest.raises(InvalidToken):
        caller_of(said(client_id=...), ClaimNames())


@pytest.mark.parametrize("claim", ["sub", "client_id", "brand"])
@pytest.mark.parametrize(
    "value", ["", "x" * 201, "a\0b", "a\nb", "\ud800", "\u202e", 5, True, 1.5, ["acme"], {"id": "acme"}], ids=repr
)
def test_what_cannot_be_a_name_is_refused(claim: str, value: object) -> None:
    with pytest.raises(InvalidToken):
        caller_of(said(**{claim: value}), ClaimNames())


@pytest.mark.parametrize("value", ["x", "x" * 200, "auth0|5f7", "https://app.example", "a b", "\u00e9\u4e2d"])
def test_any_other_text_is_a_name(value: str) -> None:
    assert caller_of(said(sub=value, client_id=value, brand=value), ClaimNames()).user == value


@pytest.mark.parametrize("confirmation", [{"jkt": "x"}, {"x5t#S256": "x"}, {}])
def test_a_token_that_is_bound_to_a_key_is_no_bearer_token(confirmation: object) -> None:
    with pytest.raises(InvalidToken):
        caller_of(said(cnf=confirmation), ClaimNames())


@pytest.mark.parametrize("exp", [NOW + 1, int(NOW) + 1, NOW + 0.5])
def test_a_token_is_good_until_it_expires(exp: float) -> None:
    assert expiry_of({"exp": exp}, now=NOW) == exp


@pytest.mark.parametrize("exp", [NOW, NOW - 1, 0, -1])
def test_a_token_that_has_expired_is_refused(exp: float) -> None:
    with pytest.raises(InvalidToken):
        expiry_of({"exp": exp}, now=NOW)


def test_a_token_that_does_not_say_does_not_expire() -> None:
    assert expiry_of({}, now=NOW) == math.inf


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_the_future_is_refused_beyond_what_clocks_differ(claim: str) -> None:
    assert expiry_of({claim: NOW + LEEWAY_SECONDS, "exp": NOW + 60}, now=NOW) == NOW + 60
    with pytest.raises(InvalidToken):
        expiry_of({claim: NOW + LEEWAY_SECONDS + 1, "exp": NOW + 60}, now=NOW)


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1800000001", True, math.inf, math.nan, [], {}], ids=repr)
def test_a_time_that_is_none_is_told(claim: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        expiry_of({claim: value}, now=NOW)

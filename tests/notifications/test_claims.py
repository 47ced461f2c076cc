"""What tokens say of where their holders are reached, and that nothing of it keeps anybody out."""

from datetime import timedelta

import pytest

from greenroom.identity.caller import Caller
from greenroom.identity.claims import ClaimNames, caller_of
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.server import SECRET_KEY

CLAIMS = {"sub": "ada", "client_id": "app", "brand": "acme", "scope": "read:live"}


def caller(names: ClaimNames | None = None, **claims: object) -> Caller:
    return caller_of({**CLAIMS, **claims}, names or ClaimNames())


def test_the_claims_of_openid_connect_are_read() -> None:
    ada = caller(email="ada@example.com", zoneinfo="Europe/Berlin", email_verified=True)
    assert (ada.email, ada.time_zone) == ("ada@example.com", "Europe/Berlin")


def test_other_names_may_be_set() -> None:
    names = ClaimNames(email="profile.mail", zone="https://example.com/tz")
    ada = caller(names, profile={"mail": "ada@example.com"}, **{"https://example.com/tz": "Asia/Tokyo"}, email="no@example.com")
    assert (ada.email, ada.time_zone) == ("ada@example.com", "Asia/Tokyo")


@pytest.mark.parametrize("verified", [False, "false"])
def test_an_address_that_is_not_verified_is_not_taken(verified: object) -> None:
    assert caller(email="ada@example.com", email_verified=verified).email is None


@pytest.mark.parametrize(
    "email", [None, "", "ada", 5, ["ada@example.com"], "ada@example.com\r\nBcc: x@y", "ä@example.com", "a" * 300]
)
def test_an_address_that_is_none_is_not_taken_and_keeps_nobody_out(email: object) -> None:
    ada = caller(email=email)
    assert (ada.user, ada.email) == ("ada", None)


@pytest.mark.parametrize("zone", [None, "", 5, "../../etc/passwd", "/etc/localtime", "Europe/Berlin\n", "a b", "x" * 300, {}])
def test_a_zone_that_can_be_none_is_not_taken_and_keeps_nobody_out(zone: object) -> None:
    ada = caller(zoneinfo=zone)
    assert (ada.user, ada.time_zone) == ("ada", None)


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"]
)
def test_a_zone_is_taken_by_its_name(zone: str) -> None:
    assert caller(zoneinfo=zone).time_zone == zone


def test_a_local_token_says_it_too() -> None:
    grant = new_grant(
        user=UserId("ada"), brand=BrandId("acme"), scope="read:live", client=ClientId("app"), lifetime=timedelta(hours=1),
        email="ada@example.com", time_zone="Europe/Berlin",
    )  # fmt: skip
    checked = Signer([SECRET_KEY]).verify(Signer([SECRET_KEY]).sign(grant))
    assert checked is not None
    assert (checked.caller.email, checked.caller.time_zone) == ("ada@example.com", "Europe/Berlin")

"""Who the organizer is: an address, and nothing that could be more."""

import pytest

from greenroom.setting_rules import load_settings
from greenroom.settings import SettingsError


@pytest.mark.parametrize("address", ["noreply@example.com", "host+live@mail.example.co.uk", "o'brien@localhost"])
def test_an_address_is_taken(address: str) -> None:
    assert load_settings({"GREENROOM_MAIL_FROM": address}).mail_from == address


@pytest.mark.parametrize("address", [
    "mail.test", "@mail.test", "a@", "Anna <anna@mail.test>", "a@b\r\nATTENDEE:mailto:evil@example.com", "a b@example.com",
    "a@b,c@d", "mailto:a@b", "ä@example.com", "x" * 65 + "@example.com", "a@" + "x" * 300,
])  # fmt: skip
def test_what_is_none_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SettingsError, match="GREENROOM_MAIL_FROM: expected an address") as refused:
        load_settings({"GREENROOM_MAIL_FROM": address})
    assert address not in str(refused.value)


def test_it_need_not_be_set() -> None:
    assert load_settings({}).mail_from is None

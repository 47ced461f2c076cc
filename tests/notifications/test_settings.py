"""Where the mail server is: which addresses are taken, and what the rest is told, without what it says."""

import pytest

from greenroom.background import letterhead_of
from greenroom.notifications.smtp import MailServer, server_at
from greenroom.setting_rules import load_settings
from greenroom.settings import SettingsError

GOOD = {
    "GREENROOM_SMTP_URL": "smtp://greenroom:hunter2@mail.example.com",
    "GREENROOM_MAIL_FROM": "sessions@example.com",
    "GREENROOM_PUBLIC_URL": "https://live.example.com",
}


def server(url: str) -> MailServer:
    return server_at(url)


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://mail.example.com", 587, "starttls"),
        ("smtp://mail.example.com:25", 25, "starttls"),
        ("smtp://mail.example.com?tls=none", 587, "none"),
        ("smtp://mail.example.com/?tls=starttls", 587, "starttls"),
        ("smtps://mail.example.com", 465, "implicit"),
        ("smtps://[2001:db8::1]:4650", 4650, "implicit"),
        ("smtp://localhost:1025", 1025, "none"),
        ("smtp://127.0.0.1:1025", 1025, "none"),
        ("smtp://[::1]:1025", 1025, "none"),
        ("smtp://127.0.0.1:1025?tls=starttls", 1025, "starttls"),
    ],
)
def test_tls_is_asked_for_unless_nobody_is_between(url: str, port: int, tls: str) -> None:
    assert (server(url).port, server(url).tls) == (port, tls)


def test_a_user_and_a_password_are_decoded() -> None:
    named = server("smtp://green%40room:p%2Fw%3A@mail.example.com")
    assert (named.user, named.password) == ("green@room", "p/w:")


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://hunter2@mail.example.com",
        "smtp://",
        "smtp://:hunter2@mail.example.com",
        "smtp://hunter2@mail.example.com",
        "smtp://user:hunter2%0d%0aRSET@mail.example.com",
        "smtp://user:hunter2@mail.example.com:99999",
        "smtp://user:hunter2@mail.example.com:port",
        "smtp://user:hunter2@mail.example.com/path",
        "smtp://user:hunter2@mail.example.com?tls=maybe",
        "smtp://user:hunter2@mail.example.com?other=1",
        "smtps://user:hunter2@mail.example.com?tls=none",
        "smtp://user:hunter2@[::1",
        "smtp://user:hunter2@mail example.com",
    ],
)
def test_what_is_no_mail_server_is_one_line_that_repeats_nothing(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({**GOOD, "GREENROOM_SMTP_URL": url})
    assert str(refused.value).startswith("GREENROOM_SMTP_URL: expected smtp://user:password@host:587")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["GREENROOM_MAIL_FROM", "GREENROOM_PUBLIC_URL"])
def test_a_mail_server_needs_a_sender_and_a_place_to_unsubscribe(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is required with GREENROOM_SMTP_URL"):
        load_settings({other: value for other, value in GOOD.items() if other != name})


@pytest.mark.parametrize(
    "address", ["Greenroom <a@example.com>", "a@example.com, b@example.com", "a", "a@example.com\nBcc: b@c"]
)
def test_a_sender_is_one_address(address: str) -> None:
    with pytest.raises(SettingsError, match="GREENROOM_MAIL_FROM: expected an address such as"):
        load_settings({"GREENROOM_MAIL_FROM": address})


@pytest.mark.parametrize("url", ["https://app.example.com/", "ftp://app/{session_id}", "https://app/{session_id}\n", "x"])
def test_where_people_join_names_the_session(url: str) -> None:
    with pytest.raises(SettingsError, match="GREENROOM_JOIN_URL: expected an address"):
        load_settings({"GREENROOM_JOIN_URL": url})


def test_what_is_whole_is_taken() -> None:
    settings = load_settings({**GOOD, "GREENROOM_JOIN_URL": "https://app.example.com/live/{session_id}?from=mail"})
    assert settings.smtp_url == GOOD["GREENROOM_SMTP_URL"]


@pytest.mark.parametrize(
    ("more", "join_url"),
    [
        ({}, "https://live.example.com/s/{session_id}"),
        ({"GREENROOM_JOIN_URL": "https://app.example.com/{session_id}"}, "https://app.example.com/{session_id}"),
        ({"GREENROOM_VIDEO_PROVIDER": "none"}, None),
        ({"GREENROOM_VIDEO_PROVIDER": "none", "GREENROOM_JOIN_URL": "https://app/{session_id}"}, "https://app/{session_id}"),
    ],
)
def test_mail_says_where_people_join(more: dict[str, str], join_url: str | None) -> None:
    assert letterhead_of(load_settings({**GOOD, **more})).join_url == join_url


def test_mail_names_no_place_that_it_does_not_know() -> None:
    assert letterhead_of(load_settings({})).join_url is None

"""What a reader reads: the time in their own zone, and nothing that a title or an address could smuggle in."""

from datetime import UTC, datetime

import pytest

from greenroom.notifications.composing import told_time
from greenroom.notifications.templates import one_line
from tests.notifications.office import Office
from tests.notifications.post import Post

NAMED = "update sessions set title = $3 where brand_id = $1 and id = $2"
HOSTILE = [
    "Ask us\r\nBcc: everybody@example.com",
    "Ask us\nX-Injected: yes\n\n<p>body</p>",
    "=?utf-8?q?Ask=0D=0ABcc=3A_everybody=40example=2Ecom?=",
    "Ask us\u2028Bcc: everybody@example.com",
    "Ask us\x0b\x0c\x1b[31m\x85Bcc: x",
    "\u202eecila ksA\u202c",
    "Großer Fragenabend 🎈 mit Ümläuten und noch viel mehr, das länger ist als eine Zeile im Kopf einer Mail",
    '<script>alert(1)</script> & "quotes" {{ brand }} {% raw %}',
    "x" * 10_000,
]


async def test_a_move_is_told_in_the_readers_zone_across_a_change_of_the_clocks(office: Office, post: Post) -> None:
    session = await office.session(at=datetime(2027, 3, 27, 17, tzinfo=UTC))
    await office.contact("ada", zone="Europe/Berlin")
    await office.stage.register(session, "ada")
    await office.deliver()
    await office.stage.move(session, datetime(2027, 3, 28, 17, tzinfo=UTC))
    await office.deliver()
    mail = post.taken[-1]
    assert "Old time: Saturday, 27 March 2027, 18:00 (Europe/Berlin, UTC+01:00)" in mail.text
    assert "New time: Sunday, 28 March 2027, 19:00 (Europe/Berlin, UTC+02:00)" in mail.text


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (None, "Monday, 1 March 2027, 17:00 (UTC)"),
        ("America/St_Johns", "Monday, 1 March 2027, 13:30 (America/St_Johns, UTC-03:30)"),
        ("Pacific/Kiritimati", "Tuesday, 2 March 2027, 07:00 (Pacific/Kiritimati, UTC+14:00)"),
        ("Nowhere/Land", "Monday, 1 March 2027, 17:00 (UTC)"),
        ("../../etc/passwd", "Monday, 1 March 2027, 17:00 (UTC)"),
    ],
)
def test_a_time_is_told_in_a_zone_that_is_named(zone: str | None, said: str) -> None:
    assert told_time(datetime(2027, 3, 1, 17, tzinfo=UTC), zone) == said


@pytest.mark.parametrize("year", [1, 9999])
def test_a_time_at_the_edge_of_the_calendar_is_told_in_utc(year: int) -> None:
    instant = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    zone = "America/New_York" if year == 1 else "Asia/Tokyo"
    assert told_time(instant, zone).endswith("(UTC)")


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_title_gets_into_a_header_or_out_of_its_place(office: Office, post: Post, title: str) -> None:
    session = await office.session("ada", tell=False)
    await office.stage.owner.execute(NAMED, office.stage.brand, session, title)
    await office.deliver()
    (mail,) = post.taken
    assert set(mail.message.keys()) == {
        "Content-Type", "MIME-Version", "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe",
        "List-Unsubscribe-Post",
    }  # fmt: skip
    assert mail.subject == one_line(f"You are registered: {one_line(title, most=200)}")
    assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 998  # RFC 5322, section 2.1.1
    assert mail.raw.isascii()
    assert "<script>" not in mail.html
    assert [str(entry["UID"]) for entry in mail.invitation.walk("VEVENT")] == [str(mail.event["UID"])]


async def test_a_title_in_any_script_arrives_as_it_is(office: Office, post: Post) -> None:
    session = await office.session("ada", tell=False)
    await office.stage.owner.execute(NAMED, office.stage.brand, session, "Öffne dich 🎈 日本語")
    await office.deliver()
    (mail,) = post.taken
    assert mail.subject == "You are registered: Öffne dich 🎈 日本語"
    assert "Öffne dich 🎈 日本語" in mail.text
    assert str(mail.event["SUMMARY"]) == "Öffne dich 🎈 日本語"

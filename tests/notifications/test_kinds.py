"""Each kind of mail, from what happens to what arrives."""

from datetime import timedelta

from tests.notifications.office import Office
from tests.notifications.post import Post


async def test_who_takes_a_seat_is_told_so(office: Office, post: Post) -> None:
    session = await office.session("ada", tell=False)
    await office.deliver()
    (mail,) = post.taken
    assert mail.to == "ada@example.com"
    assert mail.subject == "You are registered: Ask us"
    assert await office.messages(session) == [("registered", "sent", None)]


async def test_a_move_names_both_times(office: Office, post: Post) -> None:
    session = await office.session("ada", "bob")
    await office.stage.move(session, office.stage.now + timedelta(days=3))
    await office.deliver()
    assert post.subjects() == ["Moved: Ask us"] * 2

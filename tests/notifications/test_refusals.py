"""Which refusals are of an address, which is stopped, and which are of the sender's, who would be refused everywhere."""

import pytest

from tests.notifications.office import Office
from tests.notifications.post import Post

STOPS = "select count(*) from mail_stops where reason = 'bounced'"

NOT_OF_THE_ADDRESS = [
    ("rcpt", "550 Relaying denied"),
    ("rcpt", "550 relay not permitted"),
    ("rcpt", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
    ("rcpt", "553 sorry, that domain isn't in my list of allowed rcpthosts"),
    ("rcpt", "554 5.7.1 <ada@example.com>: Relay access denied"),
    ("rcpt", "554 <ada@example.com>: Relay access denied"),
    ("rcpt", "550-we do not know you\r\n550 5.7.1 and so take nothing"),
    ("rcpt", "550 <ada@example.com> not taken (4.7.25)"),
    ("rcpt", "503 bad sequence of commands"),
    ("data", "554 message refused (#5.7.1)"),
    ("data", "552 5.3.4 message too big for system"),
    ("data", "554 5.5.0 no valid recipients"),
    ("data", "554 5.6.0 message could not be converted"),
    *(("data", f"{code} not understood") for code in range(500, 505)),
]
OF_THE_ADDRESS = [
    ("rcpt", "550 no such user"),
    ("rcpt", "550 5.1.1 there is no such user to relay to"),
    ("rcpt", "550 5.5.0 Requested action not taken: mailbox unavailable"),
    ("rcpt", "501 5.1.3 bad recipient address syntax"),
    ("rcpt", "550 <someone@relay.example.com>: no such user"),
    ("rcpt", "550 no such user, says relay.example.com"),
    ("rcpt", "550 no such user, says mx-relay-1"),
    ("rcpt", "550 no such user, says 10.5.7.1"),
    ("rcpt", "550 no such user, says 5.7.1.10"),
    ("data", "550 5.2.1 mailbox is disabled"),
    ("data", "554 no thanks, says the relay"),
]


async def told_of(office: Office, post: Post, stage: str, answer: str) -> tuple[str, int]:
    """What became of a message that is answered so, and how many addresses are stopped."""
    if stage == "rcpt":
        post.rcpt_to = lambda _: answer
    else:
        post.data = lambda _: answer
    session = await office.session("ada", tell=False)
    await office.deliver()
    ((_, state, _),) = await office.messages(session)
    return state, await office.stage.owner.fetchval(STOPS)


@pytest.mark.parametrize(("stage", "answer"), NOT_OF_THE_ADDRESS)
async def test_a_refusal_that_is_not_of_the_address_stops_nobody(office: Office, post: Post, stage: str, answer: str) -> None:
    assert await told_of(office, post, stage, answer) == ("pending", 0)


@pytest.mark.parametrize(("stage", "answer"), OF_THE_ADDRESS)
async def test_a_refusal_that_is_of_the_address_stops_it(office: Office, post: Post, stage: str, answer: str) -> None:
    assert await told_of(office, post, stage, answer) == ("failed", 1)

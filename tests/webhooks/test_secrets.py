"""Signatures, as the official libraries of Python and npm verify them; and secrets in the database."""

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from greenroom.kit.errors import NotConfigured
from greenroom.webhooks import service
from greenroom.webhooks.signing import SecretBox, headers_of, new_secret
from tests.server import SECRET_KEY
from tests.webhooks.node import verified
from tests.webhooks.receiver import Received, Receiver
from tests.webhooks.stage import REQUEST, Stage, manager

OTHER_KEY = "another key that only the tests of Greenroom know"
TEXT = 'ünïcödé \U0001f389 \u2028 "quoted" </script>'


def verifies(secret: str, one: Received) -> bool:
    """Whether the Python library says so, and the npm library too."""
    try:
        Webhook(secret).verify(one.body, one.headers)
    except WebhookVerificationError:
        assert "refused" in verified(secret, one.body, one.headers)
        return False
    assert verified(secret, one.body, one.headers) == {"message": one.message}
    return True


async def test_both_libraries_verify_what_is_sent_and_nothing_else(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    await stage.tell()
    async with stage.sending():
        (one,) = await receiver.has_received(1)
    assert verifies(endpoint.secret, one)
    assert not verifies(new_secret(), one)
    assert not verifies(endpoint.secret, Received(one.method, one.path, one.headers, one.body.replace(b"title", b"other")))
    assert not verifies(endpoint.secret, Received(one.method, one.path, {**one.headers, "webhook-id": "x"}, one.body))


async def test_while_a_secret_is_rotated_the_old_and_the_new_verify(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    rotated = await service.rotate(stage.webhooks, manager(), endpoint.id, request_id=REQUEST, key=None)
    await stage.tell()
    async with stage.sending():
        (one,) = await receiver.has_received(1)
    assert len(one.headers["webhook-signature"].split(" ")) == 2
    assert verifies(endpoint.secret, one)
    assert verifies(rotated.endpoint.secret, one)


async def test_after_24_hours_the_new_one_alone_does(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    rotated = await service.rotate(stage.webhooks, manager(), endpoint.id, request_id=REQUEST, key=None)
    await stage.owner.execute(
        "update webhook_endpoints set previous_secret_until = previous_secret_until - interval '24 hours'"
    )
    await stage.tell()
    async with stage.sending():
        (one,) = await receiver.has_received(1)
    assert len(one.headers["webhook-signature"].split(" ")) == 1
    assert not verifies(endpoint.secret, one)
    assert verifies(rotated.endpoint.secret, one)


async def test_rotated_twice_the_first_is_good_no_more(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    second, third = [
        (await service.rotate(stage.webhooks, manager(), endpoint.id, request_id=REQUEST, key=None)).endpoint for _ in range(2)
    ]
    await stage.tell()
    async with stage.sending():
        (one,) = await receiver.has_received(1)
    assert [verifies(secret, one) for secret in (endpoint.secret, second.secret, third.secret)] == [False, True, True]


def test_any_text_is_signed_as_the_libraries_expect() -> None:
    secret = new_secret()
    body = f'{{"type": "x", "data": "{TEXT.replace(chr(34), "")}"}}'
    headers = headers_of("an id", body, secrets=[secret], now=datetime.now(UTC))
    assert verifies(secret, Received("POST", "/", headers, body.encode()))


def test_a_secret_is_opened_by_any_key_and_closed_by_the_first() -> None:
    old, both, new = SecretBox([SECRET_KEY]), SecretBox([OTHER_KEY, SECRET_KEY]), SecretBox([OTHER_KEY])
    assert both.open(old.close("whsec_x")) == "whsec_x"
    assert new.open(both.close("whsec_x")) == "whsec_x"
    assert new.open(old.close("whsec_x")) is None
    assert old.open("garbage") is None


def test_the_same_secret_is_never_closed_the_same() -> None:
    box = SecretBox([SECRET_KEY])
    assert box.close("whsec_x") != box.close("whsec_x")


async def test_after_a_rotation_of_keys_deliveries_go_on(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    await stage.tell()
    async with stage.sending(box=SecretBox([OTHER_KEY, SECRET_KEY])):
        (one,) = await receiver.has_received(1)
    assert verifies(endpoint.secret, one)


@pytest.mark.usefixtures("hurried")
async def test_where_the_key_is_gone_deliveries_say_so_and_a_new_secret_mends_it(stage: Stage, receiver: Receiver) -> None:
    endpoint = await stage.endpoint(receiver.url)
    without = SecretBox([OTHER_KEY])
    there = service.Webhooks(stage.db, stage.webhooks.cursors, without, stage.reach)
    await stage.tell()
    async with stage.sending(box=without):
        failed = await stage.delivered(endpoint, "failed")
        assert (failed.last_error, failed.attempts) == ("secret_unreadable", 8)
        assert receiver.arrived == []
        rotated = await service.rotate(there, manager(), endpoint.id, request_id=REQUEST, key=None)
        await service.redeliver(there, manager(), endpoint.id, failed.id, key=None)
        (one,) = await receiver.has_received(1)
    assert verifies(rotated.endpoint.secret, one)


async def test_a_repeat_whose_secret_cannot_be_read_says_what_to_do(stage: Stage) -> None:
    from greenroom.kit.idempotency import idempotency_key  # noqa: PLC0415
    from greenroom.webhooks.schemas import WebhookEndpointRequest  # noqa: PLC0415

    key = idempotency_key("k", brand="acme", client="c", subject="s", method="POST", path="/", body=b"")
    wanted = WebhookEndpointRequest(url="https://127.0.0.1:1/")
    await service.create(stage.webhooks, manager(), wanted, request_id=REQUEST, key=key)
    there = service.Webhooks(stage.db, stage.webhooks.cursors, SecretBox([OTHER_KEY]), stage.reach)
    with pytest.raises(NotConfigured, match="rotate it"):
        await service.create(there, manager(), wanted, request_id=REQUEST, key=key)

"""What a process remembers of a session for those who come back. Pure."""

import pytest

from greenroom.kit.ids import BrandId, SessionId, new_id
from greenroom.stream import channel as channel_module
from greenroom.stream.channel import Channel
from greenroom.stream.news import News
from greenroom.stream.queries import Hosts


@pytest.fixture
def channel() -> Channel:
    return Channel(
        BrandId("acme"),
        SessionId(new_id()),
        position=10,
        hosts=Hosts("host", []),
        firsts=lambda _: None,  # type: ignore[arg-type,return-value]
    )


def told(channel: Channel, *positions: int) -> None:
    for position in positions:
        channel.note(News(position))
    channel.advance(max(positions))


def since(channel: Channel, position: int) -> list[int]:
    return [one.position for one in channel.told_since(position)]


def test_what_was_told_is_remembered_in_order(channel: Channel) -> None:
    told(channel, 11, 13, 17)
    assert (since(channel, 10), since(channel, 13), since(channel, 17)) == ([11, 13, 17], [17], [])


def test_what_was_noted_and_not_told_yet_is_told_to_all_together(channel: Channel) -> None:
    told(channel, 11)
    channel.note(News(12))
    assert since(channel, 10) == [11]


def test_what_came_before_can_be_remembered_later(channel: Channel) -> None:
    told(channel, 11)
    assert channel.remember([News(5), News(8)], since=4, to=10)
    assert (channel.since, since(channel, 4)) == (4, [5, 8, 11])


def test_what_is_remembered_twice_is_told_once(channel: Channel) -> None:
    told(channel, 11)
    assert channel.remember([News(5), News(8)], since=4, to=10)
    assert channel.remember([News(8)], since=7, to=10)
    assert since(channel, 4) == [5, 8, 11]


def test_the_oldest_is_forgotten_first(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "MOST_REMEMBERED", 3)
    told(channel, 11, 12, 13, 14, 15)
    assert (channel.since, since(channel, 12)) == (12, [13, 14, 15])


def test_what_was_forgotten_while_one_looked_for_the_past_is_not_left_out(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "MOST_REMEMBERED", 2)
    told(channel, 11, 12, 13)
    looked_up_to = channel.since
    earlier = [News(position) for position in (6, 11) if position <= looked_up_to]
    told(channel, 14)  # while the database was asked: 12 is forgotten
    assert not channel.remember(earlier, since=5, to=looked_up_to)
    assert channel.since > 5

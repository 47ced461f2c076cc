"""The address of a recording: for whom it opens, for how long, and what of the file it gives."""

import asyncio
import json
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from greenroom.kit.recording_links import Links, shown, told_in
from tests.commands.command import started
from tests.postgres import TestDatabase
from tests.recordings.films import seen
from tests.recordings.studio import Studio
from tests.server import SECRET_KEY, environment_of
from tests.tenant import Json

LATER = 4_000_000_000
EARLIER = 1_700_000_000


@pytest.fixture
async def recorded(studio: Studio, white: bytes) -> Json:
    """A session that has a recording."""
    session = await studio.session()
    await (await studio.recorder(session)).record(white)
    await studio.until(session, "ready")
    return session


def id_in(url: str) -> str:
    return url.rpartition("/")[2].partition(".")[0]


async def test_it_is_shown_wherever_the_session_is_and_opens_for_who_holds_it(studio: Studio, recorded: Json) -> None:
    shown = {str((await studio.seen(recorded))["recording_url"])}
    bearer = studio.tenant.bearer()
    call = (await studio.http.get(f"/v1/live/calls/{recorded['id']}", headers=bearer)).json()
    shown.add(call["recording_url"])
    listed = (await studio.http.get("/v1/live/sessions", headers=bearer)).json()["sessions"]
    shown.add(next(one["recording_url"] for one in listed if one["id"] == recorded["id"]))
    admin = studio.tenant.bearer("admin_1", scope="admin:live")
    listed = (await studio.http.get("/v1/admin/sessions", headers=admin)).json()["sessions"]
    shown.add(next(one["recording_url"] for one in listed if one["id"] == recorded["id"]))
    shown |= {one["url"] for one in await studio.recordings(recorded)}
    (recording,) = await studio.recordings(recorded)
    assert {url.partition("?")[0] for url in shown} == {f"{studio.server.url}/recordings/{recording['id']}.webm"}
    for url in shown:
        assert len(seen((await studio.watched(url)).content).pictures) == 30


async def test_the_page_of_the_session_leads_to_it(studio: Studio, recorded: Json) -> None:
    await studio.step(recorded, "end")
    page = await (await studio.recorder(recorded)).visitor.get(f"/s/{recorded['id']}")
    link = str(page.one("[data-href=recording_url]")["href"])
    assert (await studio.watched(link)).status_code == 200


async def test_an_address_that_has_expired_opens_nothing(studio: Studio, recorded: Json) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    old = Links([SECRET_KEY], public_url=studio.server.url).signed(id_in(url), until=EARLIER)
    refused = await studio.watched(old)
    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")


async def test_an_address_that_we_have_not_signed_opens_nothing(studio: Studio, recorded: Json) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    path, _, query = url.partition("?")
    expires, _, signature = query.partition("&")
    forged = [
        path,
        f"{path}?{expires}",
        f"{path}?expires={LATER}&{signature}",
        f"{path}?{expires}&signature=AAAA",
        f"{studio.server.url}/recordings/{uuid4()}.webm?{query}",
        Links(["another key that is long enough for one"], public_url=studio.server.url).signed(id_in(url), until=LATER),
    ]
    answers = await asyncio.gather(*(studio.watched(one) for one in forged))
    assert [one.status_code for one in answers] == [403] * len(forged)


async def test_an_address_by_an_older_key_opens_while_that_is_known() -> None:
    name, keys = str(uuid4()), ["the newer key of two, which signs", "the older key of two, still known"]
    query = Links(keys[1:], public_url="https://live.example.com").signed(name, until=LATER).partition("?")[2]
    signature = query.rpartition("=")[2]
    assert Links(keys, public_url=None).are_ours(name, until=LATER, signature=signature)
    assert not Links(keys[:1], public_url=None).are_ours(name, until=LATER, signature=signature)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None), ("bytes=5-999999999", 5, None)],
)
async def test_a_range_is_given_as_asked(studio: Studio, recorded: Json, asked: str, begin: int, end: int | None) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    whole = (await studio.watched(url)).content
    part = await studio.watched(url, range=asked)
    assert (part.status_code, part.content) == (206, whole[begin:end])
    first = begin if begin >= 0 else len(whole) + begin
    last = (len(whole) if end is None else end) - 1
    assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    assert part.headers["content-length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
async def test_a_range_that_is_not_there_is_416(studio: Studio, recorded: Json, asked: str) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    whole = (await studio.watched(url)).content
    refused = await studio.watched(url, range=asked)
    assert (refused.status_code, refused.headers["content-range"]) == (416, f"bytes */{len(whole)}")


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=0-1,3-4", "octets=0-1", "bytes=x"])
async def test_a_range_that_is_none_is_passed_over(studio: Studio, recorded: Json, asked: str) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    assert (await studio.watched(url, range=asked)).status_code == 200


async def test_a_range_of_another_state_of_the_file_is_the_whole_file(studio: Studio, recorded: Json) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    tag = (await studio.watched(url)).headers["etag"]
    headers = {"range": "bytes=0-9", "if-range": tag}
    assert (await studio.watched(url, **headers)).status_code == 206
    assert (await studio.watched(url, **{**headers, "if-range": '"another"'})).status_code == 200
    assert (await studio.watched(url, **{"if-none-match": tag})).status_code == 304


async def test_head_says_how_long_it_is_and_what_it_is(studio: Studio, recorded: Json) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    whole = await studio.watched(url)
    async with httpx.AsyncClient(timeout=30) as http:
        said = await http.head(url)
    assert (said.status_code, said.content) == (200, b"")
    assert said.headers["content-length"] == str(len(whole.content))
    assert (said.headers["content-type"], said.headers["accept-ranges"]) == ("video/webm", "bytes")
    assert "content-disposition" not in said.headers


async def test_it_is_saved_rather_than_shown_where_that_is_asked_for(studio: Studio, recorded: Json) -> None:
    url = str((await studio.seen(recorded))["recording_url"])
    saved = await studio.watched(f"{url}&download=1")
    assert saved.headers["content-disposition"] == 'attachment; filename="recording.webm"'


async def test_who_has_the_session_already_is_told_of_an_address_that_is_new(studio: Studio, recorded: Json) -> None:
    tag = (await studio.http.get(f"/v1/sessions/{recorded['id']}", headers=studio.tenant.bearer())).headers["etag"]
    expires = str((await studio.seen(recorded))["recording_url"]).partition("expires=")[2].partition("&")[0]
    assert tag.endswith(f'.{expires}"')
    changed = await studio.tenant.patch(studio.http, recorded, {"title": "Another"}, If_Match=tag)
    assert changed.status_code == 200, changed.text


async def test_events_hold_an_address_that_is_good_for_days(
    studio: Studio, recorded: Json, database: TestDatabase, tmp_path: Path
) -> None:
    env = environment_of(database, {"GREENROOM_PUBLIC_URL": studio.server.url})
    with started("events", "tail", "--from", "1", "--session", recorded["id"], env=env, log=tmp_path / "log") as tail:
        assert tail.stdout is not None
        told = next(event for line in tail.stdout if (event := json.loads(line))["name"] == "live.recording.ready.v1")
    url = told["payload"]["recording_url"]
    assert int(url.partition("expires=")[2].partition("&")[0]) > time.time() + 7 * 86_400 - 60
    assert (await studio.watched(url)).status_code == 200


def test_a_provider_s_own_address_is_told_as_it_is() -> None:
    elsewhere = '{"recording_url":"https://recordings.example.com/one?expires=1"}'
    assert told_in("live.recording.ready.v1", elsewhere) == elsewhere
    assert shown("https://recordings.example.com/one") == "https://recordings.example.com/one"


def test_what_others_write_into_events_is_not_signed() -> None:
    forged = f'{{"metadata":{{"recording_url":"greenroom-recording:{uuid4()}"}}}}'
    assert told_in("live.session.updated.v1", forged) == forged

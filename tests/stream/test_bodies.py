"""What is asked arrives as it was asked, and is never taken for anything else: neither for an event nor for markup."""

import pytest

from tests.stream.stage import HOST, Stage

BODIES = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "entities": "&lt;b&gt; &amp;amp; &#x27; ]]>",
    "right to left": "\u202egnp.exe\u202c \u2066x\u2069 \u061c",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 57,
    "four hundred emoji": "\U0001f600" * 400,
    "new lines": "a\nb\r\nc\rd\n\ne",
    "separators": "a\u2028b\u2029c\u0085d\u000be\u000cf",
    "an event": 'x\n\nevent: snapshot\ndata: {"questions":[]}\nid: 999999\n\n',
    "a field": "data: x\nid: 5\nretry: 1\n: comment",
    "chunks": "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "controls": "\x01\x02\x07\x08\x1b[31m\x7f\x80\x9f",
    "quotes": "\"'`\\\\ \\n \\u0000 </",
    "combining": "Z\u0351\u036b\u0343\u036a\u0302" * 20 + "e\u0301",
    "outside the plane": "\U0010ffff\U000e0001\U000fffff\ufffe\uffff",
    "blanks": " \u3000\u00a0x ",
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_body_arrives_as_it_was_sent(stage: Stage, kind: str) -> None:
    body = BODIES[kind]
    async with stage.watching("ann") as ann, stage.watching(HOST) as host:
        await ann.begun()
        question = await stage.asked(body, user="bob")
        assert question["body"] == body
        for one in (ann, host):
            await one.until(lambda one=one: one.known.questions, "the question")  # type: ignore[misc]
            assert one.known.bodies() == {body}
            assert set(one.names) <= {"snapshot", "me", "session", "question", "presence", "pin"}
        assert ann.names.count("snapshot") == 1
    assert (await stage.seen_by("ann")).known.bodies() == {body}
    assert [one["body"] for one in (await stage.seen_by("bob")).known.me["questions"]] == [body]


@pytest.mark.parametrize("kind", BODIES)
async def test_a_title_arrives_as_it_was_sent(stage: Stage, kind: str) -> None:
    async with stage.watching("ann") as ann:
        await ann.begun()
        await stage.edit(title=BODIES[kind])
        await ann.until(lambda: ann.known.session["title"] == BODIES[kind], "the title")


@pytest.mark.parametrize("user", ['"', "a\nid: 5", "\u2028", "\u202ex", "a" * 200, "\U0001f600" * 50, "</script>"])
async def test_a_name_arrives_as_it_is(stage: Stage, user: str) -> None:
    await stage.say(anonymous=False)
    await stage.asked("Why?", user=user)
    ann = await stage.seen_by("ann")
    assert {one["asker_user_id"] for one in ann.known.questions.values()} == {user}
    assert (await stage.seen_by(user)).known.me["user_id"] == user

"""Whatever a question says comes back as it was sent, wherever it is shown: it is data, and nobody interprets it."""

import json
from typing import Final

import httpx
import pytest

from tests.postgres import Owner
from tests.questions.forum import forum
from tests.registrations.people import answered
from tests.tenant import Tenant

FACE: Final = "\U0001f600"
BODIES: Final = {
    "a script": "<script>alert('x')</script>",
    "an event handler": "<img src=x onerror=alert(1)>",
    "out of an attribute": "\"'><svg/onload=alert(1)>",
    "out of a JSON block": "</script><!--",
    "a template": "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
    "SQL": "'); drop table questions; --",
    "a format": "%s %d %n {0} {body}",
    "entities": "&lt;b&gt; &amp;amp; &#x3c;",
    "markdown": "[x](javascript:alert(1)) **bold** `code` ![](http://x)",
    "right to left": "\u202eevil\u202c and \u2066isolated\u2069",
    "zero width": "a\u200bb\u200c\u200d\ufeffc\u2060",
    "zero width alone": "\u200b",
    "400 emoji": FACE * 400,
    "400 combining marks": "\u0301" * 400,
    "one letter under 399 marks": "e" + "\u0308" * 399,
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "400 letters": "x" * 400,
    "one letter": "x",
    "unlike forms of one letter": "\u00e9 e\u0301 \u212b \u00c5 A\u030a",
    "whitespace": " \t\r\n\u00a0\u2028\u2029 ",
    "controls": "\x01\x1b[31m\x7f\x85\x9f",
    "no characters": "\ufffe\uffff\U0010ffff\ue000",
    "escapes": '\\u0000 \\n \\ " /',
    "null": "null",
    "an event stream": "data: x\n\nevent: question\nid: 9\n\n",
}

every_body = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())


def octets_of(body: str) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


@every_body
async def test_a_question_comes_back_as_it_was_sent(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, body: str) -> None:
    there = await forum(http, tenant)
    asked = await there.ask("anna", body)
    question = answered(asked, 201)
    moderated = await there.moderate(question, "approved")
    pinned = await there.pin(question)
    lists = [await there.list(user) for user in ("anna", "zoe", "host_1")]
    assert [question["body"], moderated.json()["body"], pinned.json()["body"]] == [body] * 3
    assert [page.json()["questions"][0]["body"] for page in lists] == [body] * 3
    assert await owner.fetchval("select body from questions where id = $1", question["id"]) == body


async def test_it_is_json_and_no_page(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    asked = await there.ask("anna", BODIES["a script"])
    for response in (asked, await there.moderate(asked.json(), "approved"), await there.list("zoe")):
        assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", ["<b>&</b>", FACE * 400, "\u202e\u200b\u2028"])
async def test_what_json_lets_stand_as_it_is_comes_back_octet_by_octet(
    http: httpx.AsyncClient, tenant: Tenant, body: str
) -> None:
    there = await forum(http, tenant)
    headers = tenant.bearer("anna", Content_Type="application/json")
    asked = await http.post(f"{there.path}/questions", content=b'{"body":' + octets_of(body) + b"}", headers=headers)
    assert octets_of(body) in asked.content
    for response in (await there.moderate(asked.json(), "approved"), await there.list("zoe")):
        assert octets_of(body) in response.content


async def test_escaped_or_not_it_is_the_same_question(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await forum(http, tenant)
    headers = tenant.bearer("anna", Content_Type="application/json")
    said = b'{"body":"\\ud83d\\ude00\\u0041\\/"}'
    asked = await http.post(f"{there.path}/questions", content=said, headers=headers)
    assert answered(asked, 201)["body"] == f"{FACE}A/"

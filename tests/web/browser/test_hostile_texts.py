"""Whatever people type is shown as text, everywhere, and breaks no layout."""

import pytest
from playwright.async_api import expect

from tests.chromium import Look
from tests.web.browser.judging import overflow
from tests.web.browser.people import People

NASTY = {
    "a script": "<script>window.wasInterpreted = true</script>",
    "an image that fails": '<img src=x onerror="window.wasInterpreted = true">',
    "the end of an attribute": '" onfocus="window.wasInterpreted=true" autofocus x="',
    "the end of the element": "</textarea></title></script><svg onload=window.wasInterpreted=true>",
    "right to left": "safe\u202e\u2066gnp.exe",
    "a long word": "x" * 390,
    "emoji": "\U0001f388" * 390,
    "markup that is data": "{{ 7 * 7 }} ${7*7} &lt;b&gt; javascript:alert(1)",
}
NARROW = Look(width=320, height=640)


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
async def test_texts_stay_texts(people: People, nasty: str) -> None:
    user = nasty[:150]
    session = await people.session(title=nasty, max_participants=2, metadata={"note": nasty})
    await people.call("POST", f"/sessions/{session}/registrations", user)
    await people.call("POST", f"/sessions/{session}/register", body={"guest_email": "guest@example.com"})
    question = await people.question(session, nasty[:400], user)
    await people.call("POST", f"/sessions/{session}/questions/{question}/pin")
    await people.question(session, nasty[:400], user, status=None)
    paths = [
        "/", "/?month=2027-03", f"/s/{session}", "/host", f"/host/{session}", f"/host/{session}/questions",
        f"/host/{session}/people", f"/host/{session}/attendance",
    ]  # fmt: skip
    window = await people.window("host_1", look=NARROW)
    for path in paths:
        await window.page.goto(path)
        assert not await window.page.evaluate("() => 'wasInterpreted' in window"), path
        assert await overflow(window.page) == 0, path
    await window.page.goto(f"/s/{session}")
    await expect(window.page.locator("#title")).to_have_text(nasty)
    await people.question(session, f"live {nasty}"[:400], user)
    await expect(window.page.locator("[data-list=all] .body").nth(1)).to_have_text(f"live {nasty}"[:400])
    assert not await window.page.evaluate("() => 'wasInterpreted' in window")

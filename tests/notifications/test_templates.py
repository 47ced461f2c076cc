"""The language of a brand's templates: what is taken, what is refused, and that nothing else ever runs."""

import pytest
from structlog.testing import capture_logs

from greenroom.kit.ids import new_id
from greenroom.notifications.schemas import TEMPLATE_KINDS
from greenroom.notifications.templates import EXAMPLE, MOST_OUTPUTS, VARIABLES, TemplateRefusedError, refuse_bad, written
from greenroom.notifications.words import WORDS, Words
from tests.notifications.office import Office
from tests.notifications.post import Post

KEEP = "select outcome from keep_mail_template_v1($1, $2, $3, $4, $5, $6, 'admin_1', 'test', 'r')"

TAKEN = [
    "Just words.",
    "{{ title }} on {{ when }}",
    "{% if old_when %}was {{ old_when }}{% else %}new{% endif %}",
    "{% if is_waiting %}a{% elif join_url %}b{% else %}c{% endif %}",
    "{% if not is_waiting and join_url or recording_url %}x{% endif %}",
    "{% if brand == 'acme' %}ours{% endif %}",
    "{{ title | upper }} {{ title | lower }} {{ title | capitalize }} {{ title | title }} {{ title | trim }}",
    "{{ join_url | default('nowhere') }}",
    "{# a comment #}{% raw %}{{ as it is }}{% endraw %}",
    "{{ 'a text' }}",
]
REFUSED = [
    "{{ nobody }}",
    "{{ title.upper() }}",
    "{{ title.__class__ }}",
    "{{ title['__class__'] }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ range(10) }}",
    "{{ lipsum() }}",
    "{{ cycler }}",
    "{{ title ~ brand }}",
    "{{ 'x' * 1000000000 }}",
    "{{ 2 ** 100000 }}",
    "{{ 7 }}",
    "{{ title if brand else when }}",
    "{{ title is defined }}",
    "{{ 'a' in title }}",
    "{{ [title] }}",
    "{{ {'a': title} }}",
    "{{ title[0:5] }}",
    "{% for one in title %}{{ one }}{% endfor %}",
    "{% set x = title %}",
    "{% macro m() %}{% endmacro %}",
    "{% include 'other' %}",
    "{% import 'other' as other %}",
    "{% extends 'other' %}",
    "{% block b %}{% endblock %}",
    "{% call m() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with a = title %}{% endwith %}",
    "{% autoescape false %}{{ title }}{% endautoescape %}",
    "{% do title %}",
    "{{ title | safe }}",
    "{{ title | center(100000000) }}",
    "{{ title | replace('a', 'b') }}",
    "{{ title | default(title) | default('a', true) }}",
    "{{ title | attr('upper') }}",
    "{{ title | map('upper') }}",
    "{{ title",
    "{% if title %}",
    "{% endif %}",
    "{{ }}",
    "{% if title < brand %}{% endif %}",
    "{{ title }}" * (MOST_OUTPUTS + 1),
    "{% if title %}" * 9 + "{% endif %}" * 9,
    "{% if title %}" * 5_000 + "{% endif %}" * 5_000,
    "{{ " + "(" * 5_000 + "title" + ")" * 5_000 + " }}",
    "{{ " + "not " * 5_000 + "title }}",
    "{{ title" + " | trim" * 2_000 + " }}",
    "{% if title %}" + "{% elif title %}" * 500 + "{% endif %}",
]


@pytest.mark.parametrize("source", TAKEN)
def test_what_is_of_the_language_is_taken(source: str) -> None:
    refuse_bad(source)


@pytest.mark.parametrize("source", REFUSED, ids=[one[:40] for one in REFUSED])
def test_what_is_not_of_the_language_is_refused_and_says_why_in_a_line(source: str) -> None:
    with pytest.raises(TemplateRefusedError) as refused:
        refuse_bad(source)
    assert "\n" not in str(refused.value)


def test_the_line_is_named_where_it_is_known() -> None:
    with pytest.raises(TemplateRefusedError, match=r"^line 3: expected one of the variables"):
        refuse_bad("one\ntwo\n{{ three }}")
    with pytest.raises(TemplateRefusedError, match=r"^line 2 is not a template"):
        refuse_bad("one\n{{ two")


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_a_brand_may_begin_with_the_programs_own(kind: str) -> None:
    words = WORDS[kind]  # type: ignore[index]
    for source in (words.subject, words.text, words.html):
        refuse_bad(source)


def test_every_variable_has_an_example() -> None:
    assert EXAMPLE.keys() == VARIABLES.keys()


def test_html_is_escaped_and_text_is_not() -> None:
    hostile = {**EXAMPLE, "title": "<b>&\"'"}
    made = written(Words("{{ title }}", "{{ title }}", '<p title="{{ title }}">{{ title | upper }}</p>'), hostile)
    assert made.text == "<b>&\"'"
    assert made.html == '<p title="&lt;b&gt;&amp;&#34;&#39;">&lt;B&gt;&amp;&#34;&#39;</p>'


def test_a_subject_is_one_line() -> None:
    made = written(Words("{{ title }}", "-", "-"), {**EXAMPLE, "title": "a\r\nBcc: b\x00\x1b"})
    assert made.subject == "a Bcc: b"


async def test_a_brands_own_words_are_sent_and_another_brands_are_not(office: Office, post: Post) -> None:
    await office.stage.owner.execute(KEEP, office.stage.brand, "registered", new_id(), "Ours: {{ title }}", "t", "<p>h</p>")
    await office.session("ada", tell=False)
    await office.deliver()
    office.stage = office.stage.of("other")
    await office.session("bob", tell=False)
    await office.deliver()
    assert post.subjects() == ["Ours: Ask us", "You are registered: Ask us"]


async def test_a_change_holds_at_once(office: Office, post: Post) -> None:
    for subject in ("First", "Second"):
        await office.stage.owner.execute(KEEP, office.stage.brand, "registered", new_id(), subject, "t", "<p>h</p>")
        await office.session("ada", tell=False)
        await office.deliver()
    await office.stage.owner.execute("delete from mail_templates")
    await office.session("ada", tell=False)
    await office.deliver()
    assert post.subjects() == ["First", "Second", "You are registered: Ask us"]


async def test_words_that_cannot_be_rendered_give_way_to_the_programs_own(office: Office, post: Post) -> None:
    """As a newer release may have taken them, whose language has more in it."""
    await office.stage.owner.execute(KEEP, office.stage.brand, "registered", new_id(), "{{ of_tomorrow }}", "t", "<p>h</p>")
    await office.session("ada", tell=False)
    with capture_logs() as lines:
        await office.deliver()
    assert post.subjects() == ["You are registered: Ask us"]
    assert "mail_template_failed" in {line["event"] for line in lines}

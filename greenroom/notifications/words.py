"""What the program's own mail says, of each kind: a subject, a text, and HTML, as templates (templates.py)."""

from typing import Final

from msgspec import Struct

from greenroom.notifications.schemas import TemplateKind


class Words(Struct, frozen=True):
    """The three templates of a mail."""

    subject: str
    text: str
    html: str


_STYLE: Final = "font-family:system-ui,sans-serif;font-size:16px;line-height:1.5;color:#1a1a1a;max-width:36em"
_SMALL: Final = "font-size:13px;color:#555"


def _words(subject: str, first: str, *more: str, link: str | None = "join_url", says: str = "Join") -> Words:
    """The same sentences as text and as HTML, with a link and with how to hear no more."""
    sentences = [first, *more]
    text = "\n\n".join(sentences)
    html = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    if link is not None:
        text += f"{{% if {link} %}}\n\n{says}: {{{{ {link} }}}}{{% endif %}}"
        html += f'{{% if {link} %}}<p><a href="{{{{ {link} }}}}">{says}</a></p>{{% endif %}}'
    text += "{% if unsubscribe_url %}\n\n--\nNo more mail of this kind: {{ unsubscribe_url }}{% endif %}\n"
    html += (
        f'{{% if unsubscribe_url %}}<p style="{_SMALL}">'
        '<a href="{{ unsubscribe_url }}">No more mail of this kind</a></p>{% endif %}'
    )
    page = f'<!doctype html><html lang="en"><body style="{_STYLE}">{html}</body></html>\n'
    return Words(subject, text, page)


WORDS: Final[dict[TemplateKind, Words]] = {
    "registered": _words("You are registered: {{ title }}", "You have a seat in {{ title }}.", "It begins on {{ when }}."),
    "waitlisted": _words(
        "You are in line: {{ title }}",
        "All seats in {{ title }} are taken. You have a place in line, and will be told when a seat is yours.",
        "It begins on {{ when }}.",
        link=None,
    ),
    "promoted": _words(
        "A seat is yours: {{ title }}",
        "A seat has become free: you now have a seat in {{ title }}.",
        "It begins on {{ when }}.",
    ),
    "moved": _words(
        "Moved: {{ title }}",
        "{{ title }} has been moved.",
        "New time: {{ when }}",
        "{% if old_when %}Old time: {{ old_when }}{% endif %}",
        "{% if is_waiting %}You keep your place in line.{% else %}You keep your seat.{% endif %}",
    ),
    "cancelled": _words("Cancelled: {{ title }}", "{{ title }} is not held. It was to begin on {{ when }}.", link=None),
    "reinstated": _words(
        "It is held after all: {{ title }}",
        "{{ title }} had been cancelled, and is held after all.",
        "It begins on {{ when }}.",
        "{% if is_waiting %}You keep your place in line.{% else %}You keep your seat.{% endif %}",
    ),
    "left": _words(
        "You gave up your place: {{ title }}", "You are no longer registered for {{ title }} on {{ when }}.", link=None
    ),
    "removed": _words(
        "You are no longer registered: {{ title }}",
        "A host has taken you off the list of {{ title }} on {{ when }}.",
        link=None,
    ),
    "reminder": _words("Soon: {{ title }}", "{{ title }} begins on {{ when }}, and you have a seat."),
    "recording_ready": _words(
        "The recording is ready: {{ title }}",
        "{{ title }} has been recorded, and can be watched.",
        link="recording_url",
        says="Watch",
    ),
}

"""Titles are anybody's words: of any length, in any script, with characters that nobody sees."""

from greenroom.web.texts import text

_CUT = "…"


def headline(title: str, most: int) -> str:
    """The title in at most so many characters; in our words where nothing of it can be seen, for a link has to be read."""
    if not any(one.isprintable() and not one.isspace() for one in title):
        return text("home.untitled")
    return title if len(title) <= most else f"{title[: most - len(_CUT)].rstrip()}{_CUT}"

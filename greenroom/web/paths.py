"""Paths of ours that a browser may be led to."""

from typing import Final

HOME: Final = "/"
NEXT: Final = "next"
NEXT_CHARACTERS: Final = 1000


def own_path(text: str) -> str:
    """The path where it is one of ours, else that of the first page: nobody is led to another site."""
    is_own = text.startswith("/") and not text.startswith("//") and len(text) <= NEXT_CHARACTERS
    return text if is_own and text.isascii() and text.isprintable() and "\\" not in text else HOME

"""Entity tags (RFC 9110, section 8.8.3) of a session: `"version.revision.count.registered"`.

Where a recording of ours is shown, it ends with when that address expires. `If-None-Match` compares all of it, `If-Match` the
version alone: a registration never makes a host's edit stale.
"""

import re
from typing import Final

from msgspec import Struct

from greenroom.kit.errors import ValidationFailed

# What If-Match and If-None-Match may hold, as the document says it: exactly what the parser below takes.
TAGS_SCHEMA: Final = {"type": "string", "pattern": r'^(\s*\*\s*|([ \t,]*(W/)?"[^"]*")+[ \t,]*)$'}

_TAG = re.compile(r'(W/)?"([^"]*)"')
_OURS = re.compile(r"(\d{1,9})\.\d+\.\d+\.[01](\.\d{9,12})?")


def entity_tag(*, version: int, revision: int, count: int, registered: bool, until: int | None = None) -> str:
    """The strong tag of a session as this caller sees it. `until`: when an address that is in it expires."""
    expires = "" if until is None else f".{until}"
    return f'"{version}.{revision}.{count}.{registered:d}{expires}"'


def versions_in(if_match: str | None) -> list[int] | None:
    """The versions that the caller is content with; None is any. Weak tags never match (section 13.1.1).

    Raises ValidationFailed when the header is not a list of entity tags.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    return [int(ours[1]) for weak, tag in _tags_in(if_match, header="If-Match") if not weak and (ours := _OURS.fullmatch(tag))]


class Held(Struct, frozen=True):
    """What the caller has already: these tags, or with `any_tag` whatever there is."""

    tags: frozenset[str] = frozenset()
    any_tag: bool = False

    def includes(self, tag: str) -> bool:
        """Whether the caller already has what `tag` names (section 13.1.2, the weak comparison)."""
        return self.any_tag or tag[1:-1] in self.tags


NOTHING_HELD = Held()


def held_in(if_none_match: str | None) -> Held:
    """What the caller has. Raises ValidationFailed when the header is not a list of entity tags."""
    if if_none_match is None:
        return NOTHING_HELD
    if if_none_match.strip() == "*":
        return Held(any_tag=True)
    return Held(frozenset(theirs for _, theirs in _tags_in(if_none_match, header="If-None-Match")))


def _tags_in(text: str, *, header: str) -> list[tuple[str, str]]:
    if not _TAG.search(text) or _TAG.sub("", text).strip(" \t,"):
        raise ValidationFailed(f"{header}: expected entity tags in double quotes, or *.")
    return _TAG.findall(text)

"""Users' ids for a provider that takes few characters: letters, digits, `@`, `_` and `-`, up to 255 of them.

An id that is made of these stays as it is, so that what an operator sees at the provider is what everybody calls the user.
Every other one is written in base64url behind a prefix, and can be read back.
"""

import base64
import binascii
import re

from greenroom.kit.ids import UserId
from greenroom.providers.protocol import UnusableIdError

PREFIX = "_x-"
MOST_CHARACTERS = 255

_TAKEN_AS_IT_IS = re.compile(r"[A-Za-z0-9@_-]+")


def encode(user: str) -> str:
    """The id as the provider has it. Raises UnusableIdError."""
    encoded = user if _is_plain(user) else PREFIX + _base64_of(user)
    if len(encoded) > MOST_CHARACTERS:
        raise UnusableIdError(f"The provider holds ids of up to {MOST_CHARACTERS} characters.")
    return encoded


def decode(encoded: str) -> UserId:
    """Whose id it is; one that `encode` did not write, of somebody who came by another way, stays as it is."""
    if not encoded.startswith(PREFIX):
        return UserId(encoded)
    written = encoded.removeprefix(PREFIX)
    try:
        user = base64.b64decode(written + "=" * (-len(written) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return UserId(encoded)
    # Base64 has several ways to write the same: taking more than one, two strangers could pass for one user.
    return UserId(user if PREFIX + _base64_of(user) == encoded and not _is_plain(user) else encoded)


def _is_plain(user: str) -> bool:
    return _TAKEN_AS_IT_IS.fullmatch(user) is not None and not user.startswith(PREFIX)


def _base64_of(user: str) -> str:
    try:
        octets = user.encode()
    except UnicodeEncodeError:
        raise UnusableIdError("The id is no text that UTF-8 can hold.") from None
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

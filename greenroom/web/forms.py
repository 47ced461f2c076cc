"""What a page's form sends: read, bounded, and taken only from a page of ours that this person was shown."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from greenroom.identity.caller import Caller
from greenroom.kit.errors import Forbidden, UnsupportedMediaType, ValidationFailed
from greenroom.kit.http.request import ApiRequest
from greenroom.kit.sealing import Seals

FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 100
CSRF: Final = "csrf"
PROOF: Final = b"x-form-proof"  # the same, where the body is no form
ONCE: Final = "once"
FROM_HERE: Final = frozenset({"same-origin", "none"})

_OPEN: Final = b"page"


class FormSeals:
    """A form's proof that it was shown to the person who sends it."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._seals = Seals(secret_keys, purpose="greenroom form")

    def proof(self, caller: Caller | None) -> str:
        """What a form of this person's holds."""
        return self._seals.seal(_OPEN, of=_sign_in_of(caller))

    def holds(self, proof: str, caller: Caller | None) -> bool:
        """Whether the form was shown to this person, in this sign-in."""
        return self._seals.opened(proof, of=_sign_in_of(caller)) == _OPEN


class Form(Mapping[str, str]):
    """The fields by their names, the first of each; line ends are those of the web's texts, one character."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def text(self, name: str) -> str:
        """The field as it was sent; an empty text where it was not."""
        return self._fields.get(name, "")

    def line(self, name: str) -> str:
        """The field without the spaces around it."""
        return self.text(name).strip()

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked: a browser sends no other."""
        return name in self._fields


async def form_in(request: ApiRequest) -> Form:
    """The form that a request holds. Raises PayloadTooLarge, UnsupportedMediaType, ValidationFailed."""
    body = await request.bounded_body()
    if body and request.media_type != FORM:
        raise UnsupportedMediaType((FORM,))
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise ValidationFailed("The form does not say what a form says (UTF-8, at most 100 fields).") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value.replace("\r\n", "\n"))
    return Form(fields)


def query_in(request: ApiRequest) -> Form:
    """The query's parameters; of what says none, there are none."""
    try:
        pairs = parse_qsl(request.query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        return Form({})
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return Form(fields)


def refuse_others_pages(request: ApiRequest) -> None:
    """Raises Forbidden for a request that a page of another site has made.

    Browsers say where a request comes from (Fetch Metadata); one that does not sends Origin (RFC 6454). A program that is no
    browser, and sends neither, holds nobody's cookies.
    """
    site = request.header(b"sec-fetch-site")
    origin = request.header(b"origin")
    if not (_is_of_host(origin, request) if site is None else site in FROM_HERE):
        raise Forbidden("This was sent by a page of another site.")


def _is_of_host(origin: str | None, request: ApiRequest) -> bool:
    """Whether the origin is this host's, or was not sent."""
    try:
        return origin is None or urlsplit(origin).netloc == request.header(b"host")
    except ValueError:
        return False


def new_once() -> str:
    """What tells one sending of a form from the next: the same form sent twice is done once."""
    return secrets.token_urlsafe(16)


def _sign_in_of(caller: Caller | None) -> str:
    return "" if caller is None else f"{caller.token_id} {caller.user}"

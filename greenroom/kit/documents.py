"""JSON documents that we keep and do not read: checked for what the database or a reader could not bear, kept exact."""

from collections.abc import Iterator

import msgspec

from greenroom.kit.errors import ValidationFailed

DOCUMENT_OCTETS = 16 * 1024
DOCUMENT_DEPTH = 64

_BACKSLASH, _QUOTE = b'\\"'

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def checked_document(raw: bytes, *, field: str) -> str:
    """The document's own text: numbers keep every digit that was sent.

    Raises ValidationFailed unless it is an object of at most 16 KiB (compact UTF-8) and 64 levels, whose numbers a
    double can hold and whose text holds no NUL.
    """
    if raw.count(b"{") + raw.count(b"[") > DOCUMENT_DEPTH and _deeper_than(raw, DOCUMENT_DEPTH):
        raise ValidationFailed(f"{field}: expected at most {DOCUMENT_DEPTH} levels.")
    try:
        document = _decode(raw)
    except msgspec.ValidationError:
        raise ValidationFailed(f"{field}: expected numbers that a double can hold.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValidationFailed(f"{field}: expected JSON without lone surrogates.") from None
    if not isinstance(document, dict):
        raise ValidationFailed(f"{field}: expected an object.")
    if len(raw) > DOCUMENT_OCTETS and len(_encode(document)) > DOCUMENT_OCTETS:
        raise ValidationFailed(f"{field}: expected at most 16 KiB.")
    if b"\\u0000" in raw and any("\0" in text for text in _texts(document)):
        raise ValidationFailed(f"{field}: expected text without NUL.")
    return raw.decode()


def _deeper_than(raw: bytes, levels: int) -> bool:
    """Brackets outside strings, counted: the decoder's own recursion must not meet what is too deep."""
    depth, in_string, escaped = 0, False, False
    for octet in raw:
        if in_string:
            if escaped:
                escaped = False
            elif octet == _BACKSLASH:
                escaped = True
            elif octet == _QUOTE:
                in_string = False
        elif octet == _QUOTE:
            in_string = True
        elif octet in b"{[":
            depth += 1
            if depth > levels:
                return True
        elif octet in b"}]":
            depth -= 1
    return False


def _texts(document: object) -> Iterator[str]:
    """Every string in the document, keys included."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from _texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value)

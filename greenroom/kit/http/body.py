"""Bodies: of a type that the operation takes, decoded by their schema, with complaints in our words."""

import json
import re
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
from msgspec import Struct

from greenroom.kit.errors import UnsupportedMediaType, ValidationFailed
from greenroom.kit.wire import parse_custom

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

T = TypeVar("T", bound=Struct)

_SURROGATE = re.compile("[\ud800-\udfff]")
_FIELD_NAME = re.compile(r"`(\w+)`")


class BodyReader(Generic[T]):
    """Reads bodies of one schema. Each field's description says what is expected, and so does the error."""

    def __init__(self, schema: type[T], *, accepts: tuple[str, ...] = (JSON,)) -> None:
        self.schema = schema
        self.accepts = accepts
        self._decoder = msgspec.json.Decoder(schema, dec_hook=parse_custom)
        self._expected = {
            name: meta.description
            for name, hint in get_type_hints(schema, include_extras=True).items()
            for meta in _metas_of(hint)
            if meta.description
        }

    def read(self, body: bytes, *, media_type: str) -> T:
        """The body as its schema. Raises UnsupportedMediaType, ValidationFailed."""
        if media_type not in self.accepts:
            raise UnsupportedMediaType(self.accepts)
        return self.decode(body)

    def decode(self, body: bytes) -> T:
        """The body as its schema. Raises ValidationFailed."""
        try:
            body.decode()
            decoded = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise ValidationFailed(self._explain(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ValidationFailed(self._explain_unreadable(body)) from None
        if b"\\u0000" in body:
            self._refuse_nul(decoded)
        return decoded

    def _refuse_nul(self, decoded: T) -> None:
        for name in self.schema.__struct_fields__:
            value = getattr(decoded, name)
            if isinstance(value, str) and "\0" in value:
                raise ValidationFailed(f"{name}: expected {self._expected[name]}.")

    def _explain_unreadable(self, body: bytes) -> str:
        """Which field no decoder of ours could read, where a more patient one can tell."""
        try:
            patient = json.loads(body.decode(errors="surrogateescape"))
        except RecursionError:
            return "The body is nested too deeply: expected at most 64 levels in metadata, and no more elsewhere."
        except ValueError:
            return "The body is not JSON: it is malformed or cut short."
        for name, expected in self._expected.items():
            if isinstance(patient, dict) and _SURROGATE.search(json.dumps(patient.get(name), ensure_ascii=False)):
                return f"{name}: expected {expected}; it holds a lone surrogate or is not UTF-8."
        return "The body holds a lone surrogate, or is not UTF-8."

    def _explain(self, complaint: str) -> str:
        reason, _, path = complaint.partition(" - at `$.")
        if reason.startswith("Object missing required field"):
            name = _FIELD_NAME.findall(reason)[-1]
            return f"{name} is required: expected {self._expected[name]}."
        name = re.split(r"[.\[`]", path)[0]
        if name in self._expected:
            return f"{name}: expected {self._expected[name]}."
        return "The body: expected a JSON object."


def _metas_of(hint: Any) -> list[msgspec.Meta]:
    found = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    for part in getattr(hint, "__args__", ()):
        found += _metas_of(part)
    if origin := getattr(hint, "__origin__", None):
        found += [] if isinstance(origin, type) else _metas_of(origin)
    return found

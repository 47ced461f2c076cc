"""Bodies: of a type that the operation takes, decoded by their schema, with complaints in our words."""

import json
import re
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from greenroom.kit.errors import UnsupportedMediaType, ValidationFailed
from greenroom.kit.http.expectations import expectations_of, field_in
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
        self._expected = expectations_of(schema)

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
            texts = value if isinstance(value, list) else [value]
            if any(isinstance(text, str) and "\0" in text for text in texts):
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
        name = field_in(complaint)
        if name is None and complaint.startswith("Object missing required field"):
            name = _FIELD_NAME.findall(complaint)[-1]
            return f"{name} is required: expected {self._expected[name]}."
        if name in self._expected:
            return f"{name}: expected {self._expected[name]}."
        return "The body: expected a JSON object."

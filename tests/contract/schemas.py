"""The contract, our document, and JSON Schemas of either with their references followed."""

import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

from greenroom.app import ROUTES
from greenroom.web.document import build_document

HERE = Path(__file__).parent
DOCUMENT_FILE = HERE.parents[1] / "docs" / "openapi.json"

Json = dict[str, Any]

CONTRACT: Json = yaml.safe_load((HERE / "live.openapi.yaml").read_text())
OURS: Json = json.loads(json.dumps(build_document(ROUTES)))

# The contract's operations that later releases will have. This list may only shrink.
NOT_BUILT: frozenset[tuple[str, str]] = frozenset()

METHODS = frozenset({"get", "post", "patch", "put", "delete"})


def operations(document: Json) -> dict[tuple[str, str], Json]:
    """Every operation by its path and method."""
    return {
        (path, method): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def parameters(document: Json, path: str, method: str, *, within: str) -> dict[str, Json]:
    """The operation's parameters in its path, query or header, by their names; those of the whole path are among them."""
    item = document["paths"][path]
    listed = followed(document, [*item.get("parameters", []), *item[method].get("parameters", [])])
    return {parameter["name"]: parameter for parameter in listed if parameter["in"] == within}


def followed(document: Json, schema: Any) -> Any:
    """The schema with every `$ref` replaced by what it names."""
    if isinstance(schema, list):
        return [followed(document, part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return followed(document, found)
    return {key: followed(document, value) for key, value in schema.items()}


def body_schema(document: Json, operation: Json) -> Json:
    """The schema of the operation's JSON body; of nothing where it takes none."""
    if "requestBody" not in operation:
        return {"properties": {}}
    found: Json = followed(document, operation["requestBody"]["content"]["application/json"]["schema"])
    return found


def answer_schema(document: Json, operation: Json, status: str) -> Json:
    """The schema of the operation's JSON answer of this status."""
    found: Json = followed(document, operation["responses"][status]["content"]["application/json"]["schema"])
    return found


def faults_in(value: Any, schema: Json) -> list[str]:
    """Why the value is not of the schema; formats count."""
    return [error.message for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(value)]

"""The OpenAPI 3.1 document, made from what the routes say of themselves.

The schemas are msgspec's own, written in the contract's manner; each operation lists every error that it can answer,
because it declares the classes that it raises.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from greenroom import __version__
from greenroom.events.catalogue import EVENTS
from greenroom.identity.scopes import SCOPES
from greenroom.identity.tickets import COOKIE, PARAMETER
from greenroom.kit.errors import GreenroomError, RateLimited
from greenroom.kit.http.operation import AnswerShape, Link, Operation, Parameter
from greenroom.kit.http.routing import Performed
from greenroom.kit.wire import schema_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "A code for programs."},
        "message": {"type": "string", "description": "A text for people: which field, and what was expected."},
        "retry_after_ms": {"type": "integer", "description": "With 429: how long to wait."},
    },
    "required": ["error", "message"],
}


def build_document(routes: Iterable[Performed]) -> dict[str, Any]:
    """The whole document."""
    listed = [(route, route.operation) for route in routes if route.operation is not None]
    operations = [operation for _, operation in listed]
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    schemas: set[type[Struct]] = {event.payload for event in EVENTS}
    for route, operation in listed:
        schemas |= _schemas_of(operation)
        paths[route.path][route.method.lower()] = _operation(operation, route.handler.__doc__ or "", operations)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Greenroom",
            "version": __version__,
            "description": "Live sessions: schedule, register, open the room, ask, end, keep the recording.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": DIALECT,
        "servers": [{"url": "/"}],
        "paths": dict(paths),
        "webhooks": {event.name: _webhook(event.name, event.payload, event.description) for event in EVENTS},
        "components": {
            "schemas": {"Error": ERROR_SCHEMA, **_components(schemas)},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Scopes: " + " ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items()),
                },
                "ticket": {"type": "apiKey", "in": "query", "name": PARAMETER, "description": "Of createStreamTicket."},
                "ticketCookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Of createStreamTicket."},
            },
        },
    }


def _operation(operation: Operation, text: str, others: Iterable[Operation]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": " ".join(text.split()),
        "tags": [operation.tag],
        "security": _security(operation),
        "parameters": [_parameter(parameter) for parameter in (*operation.parameters, *_query(operation.query))],
    }
    if operation.body is not None:
        media = {"schema": _reference(operation.body), "example": operation.body_example}
        described["requestBody"] = {"required": True, "content": dict.fromkeys(operation.accepts, media)}
    described["responses"] = {
        **{str(status): _answer(answer, others) for status, answer in operation.answers.items()},
        **_errors(operation.errors),
    }
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.scope is None:
        return []
    tickets: list[dict[str, list[str]]] = [{"ticket": []}, {"ticketCookie": []}] if operation.takes_ticket else []
    return [{"bearer": [operation.scope]}, *tickets]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.location,
        "required": parameter.location == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }
    return said if parameter.example is None else {**said, "example": parameter.example}


def _query(schema: type[Struct] | None) -> Iterator[Parameter]:
    """A parameter for each field of the query's schema, in its order."""
    if schema is None:
        return
    _, components = msgspec.json.schema_components([schema], schema_hook=schema_of)
    for name, field in components[schema.__name__]["properties"].items():
        said = _as_contract(field, components)
        yield Parameter(name=name, location="query", description=said.pop("description"), schema=said)


def _answer(answer: AnswerShape, operations: Iterable[Operation]) -> dict[str, Any]:
    said: dict[str, Any] = {"description": answer.description, "headers": _headers(answer.headers)}
    if answer.schema is not None:
        texts: dict[str, Any] = {media_type: {"schema": {"type": "string"}} for media_type in answer.or_as}
        said["content"] = {answer.media_type: {"schema": _reference(answer.schema), "example": answer.example}, **texts}
    elif answer.media_type != "application/json":
        said["content"] = {answer.media_type: {"schema": {"type": "string"}, **_events(answer)}}
    if links := _links(answer.links, operations):
        said["links"] = links
    return said


def _events(answer: AnswerShape) -> dict[str, Any]:
    """Of a stream: an example, and what each event's data says, for which OpenAPI 3.1 has no word."""
    if not answer.events:
        return {}
    return {"example": answer.example, "x-events": {name: _reference(schema) for name, schema in answer.events.items()}}


def _links(links: Iterable[Link], operations: Iterable[Operation]) -> dict[str, Any]:
    """To each operation that has a parameter whose value the answer holds, by the operation's id."""
    taken = {
        operation.id: {
            link.parameter.name: f"$response.body#{link.pointer}" for link in links if link.parameter in operation.parameters
        }
        for operation in operations
    }
    return {name: {"operationId": name, "parameters": parameters} for name, parameters in taken.items() if parameters}


def _headers(named: dict[str, str]) -> dict[str, Any]:
    every = {"X-Request-Id": "Names this request in the log: the caller's own where it was well-formed.", **named}
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in every.items()}


def _errors(errors: Iterable[type[GreenroomError]]) -> dict[str, Any]:
    by_status: dict[int, list[type[GreenroomError]]] = defaultdict(list)
    for error in errors:
        by_status[error.status].append(error)
    return {
        str(status): {
            "description": " ".join(f"`{error.code}`: {error.__doc__}" for error in same),
            "headers": _headers({"Retry-After": "Seconds to wait."} if status in {409, 429, 503} else {}),
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Error"},
                    "examples": {_example_name(error, same): {"value": _example(error)} for error in same},
                }
            },
        }
        for status, same in sorted(by_status.items())
    }


def _example_name(error: type[GreenroomError], same: list[type[GreenroomError]]) -> str:
    """The error's code; where two that the operation can answer share it, the later one's own name too."""
    first = next(other for other in same if other.code == error.code)
    return error.code if error is first else f"{error.code} {error.__name__}"


def _example(error: type[GreenroomError]) -> dict[str, Any]:
    wait = {"retry_after_ms": 1200} if error is RateLimited else {}
    return {"error": error.code, "message": error.message, **wait}


def _webhook(name: str, payload: type[Struct], description: str) -> dict[str, Any]:
    envelope = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "name": {"const": name},
            "occurred_at": {"type": "string", "format": "date-time"},
            "brand_id": {"type": "string"},
            "payload": _reference(payload),
        },
        "required": ["id", "name", "occurred_at", "brand_id", "payload"],
    }
    return {
        "post": {
            "operationId": name,
            "summary": description,
            "tags": ["events"],
            "security": [],
            "requestBody": {"required": True, "content": {"application/json": {"schema": envelope}}},
            "responses": {"2XX": {"description": "Received"}},
        }
    }


def _reference(schema: type[Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema.__name__}"}


def _schemas_of(operation: Operation) -> set[type[Struct]]:
    answers = {answer.schema for answer in operation.answers.values() if answer.schema is not None}
    answers |= {schema for answer in operation.answers.values() for schema in answer.events.values()}
    return answers if operation.body is None else {*answers, operation.body}


def _components(schemas: Iterable[type[Struct]]) -> dict[str, Any]:
    ordered = sorted(schemas, key=lambda schema: schema.__name__)
    _, components = msgspec.json.schema_components(ordered, schema_hook=schema_of, ref_template="#/components/schemas/{name}")
    return {name: _as_contract(components[name], components) for name in sorted(components)}


def _as_contract(schema: Any, known: dict[str, Any]) -> Any:
    """The same schema in the contract's manner: `type: [string, "null"]` for anyOf with null, a type beside each enum."""
    if isinstance(schema, list):
        return [_as_contract(part, known) for part in schema]
    if not isinstance(schema, dict):
        return schema
    match schema:
        case {"anyOf": [{"$ref": str(name)}, {"type": "null"}], **rest}:
            named = known[name.rpartition("/")[2]]
            return _as_contract({**rest, "anyOf": [named, {"type": "null"}]}, known)
    said = {key: _as_contract(value, known) for key, value in schema.items()}
    if said.get("enum") and "type" not in said and all(isinstance(value, str) for value in said["enum"]):
        said["type"] = "string"
    match said:
        case {"anyOf": [{"type": str(kind), **rest}, {"type": "null"}]}:
            del said["anyOf"]
            if isinstance(values := rest.get("enum"), list):
                rest["enum"] = [*values, None]
            return {**said, **rest, "type": [kind, "null"]}
    return said

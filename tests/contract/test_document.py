"""Our OpenAPI document against the contract, operation by operation."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from greenroom.events.catalogue import EVENTS
from greenroom.identity.scopes import SCOPES
from tests.contract.schemas import (
    CONTRACT,
    DOCUMENT_FILE,
    NOT_BUILT,
    OURS,
    Json,
    answer_schema,
    body_schema,
    faults_in,
    followed,
    operations,
    parameters,
)

BUILT = sorted(set(operations(CONTRACT)) - NOT_BUILT)
OUR_OPERATIONS = sorted(operations(OURS))

# What a field of ours may say beyond the contract: a bound of ours (DESIGN section 4), or words.
MAY_ADD = frozenset({"description", "title", "maxLength", "maximum", "maxItems"})
# What a field of an answer of ours may say besides: which of the contract's strings there are.
MAY_PROMISE = MAY_ADD | {"enum"}
# What a parameter of ours may say besides: which of the contract's strings and numbers mean something.
MAY_NARROW = MAY_ADD | {"enum", "pattern", "minLength", "minimum"}

# What the contract says of a text by its format alone, and every library understands in its own way: ours is spelled out.
SPELLED_OUT = frozenset({"uri", "email"})
# Where an empty text is nobody.
NEVER_EMPTY = frozenset({"patient_id"})
# Parameters of ours, which the contract lets us add as long as nobody must send them.
ADDED = {("/v1/admin/sessions/{id}/registrations", "get"): frozenset({"status", "cursor", "limit"})}
# What opens these is in their path, or in their query.
NEEDS_NO_TOKEN = frozenset({"/v1/guest-links/{ticket}", "/v1/me/calendar.ics", "/v1/unsubscribe"})


def test_the_document_is_openapi_3_1() -> None:
    validate(OURS)
    assert OURS["openapi"] == "3.1.0"


def test_the_document_in_the_repository_is_the_one_that_is_served() -> None:
    assert json.loads(DOCUMENT_FILE.read_text()) == OURS, "run: make openapi"


def test_every_operation_is_built_or_on_the_list_of_those_to_come() -> None:
    assert set(operations(CONTRACT)) - set(operations(OURS)) == NOT_BUILT


@pytest.mark.parametrize(("path", "method"), BUILT)
def test_an_operation_is_called_what_the_contract_calls_it(path: str, method: str) -> None:
    assert operations(OURS)[path, method]["summary"] == operations(CONTRACT)[path, method]["summary"]


@pytest.mark.parametrize(("path", "method"), BUILT)
def test_an_operation_takes_what_the_contract_takes(path: str, method: str) -> None:
    theirs, ours = operations(CONTRACT)[path, method], operations(OURS)[path, method]
    assert ours.get("requestBody", {}).get("required") == theirs.get("requestBody", {}).get("required")
    wanted, taken = body_schema(CONTRACT, theirs), body_schema(OURS, ours)
    assert set(taken["properties"]) == set(wanted["properties"])
    assert set(taken.get("required", [])) == set(wanted.get("required", []))
    for name, field in wanted["properties"].items():
        may_add = MAY_ADD | {"minLength"} if name in NEVER_EMPTY else MAY_ADD
        assert not differences(field, taken["properties"][name], may_add=may_add), name


@pytest.mark.parametrize("within", ["path", "query"])
@pytest.mark.parametrize(("path", "method"), BUILT)
def test_an_operation_has_the_parameters_of_the_contract(path: str, method: str, within: str) -> None:
    wanted, taken = (parameters(document, path, method, within=within) for document in (CONTRACT, OURS))
    added = {name for name in ADDED.get((path, method), ()) if name in taken and not taken[name]["required"]}
    assert strangers(wanted, {name: said for name, said in taken.items() if name not in added}) == []


@pytest.mark.parametrize(("path", "method"), BUILT)
def test_no_header_of_ours_is_required(path: str, method: str) -> None:
    taken = parameters(OURS, path, method, within="header")
    assert not [name for name, parameter in taken.items() if parameter.get("required")]


@pytest.mark.parametrize(("path", "method", "status"), [
    (path, method, status) for path, method in BUILT for status in operations(CONTRACT)[path, method]["responses"]
])  # fmt: skip
def test_an_operation_answers_what_the_contract_answers(path: str, method: str, status: str) -> None:
    theirs, ours = operations(CONTRACT)[path, method], operations(OURS)[path, method]
    promised, answered = answer_schema(CONTRACT, theirs, status), answer_schema(OURS, ours, status)
    assert set(answered["required"]) >= set(promised["required"])
    for name, field in promised["properties"].items():
        assert not differences(field, answered["properties"][name], may_add=MAY_PROMISE), name


@pytest.mark.parametrize(("path", "method", "status"), [
    (path, method, status) for path, method in BUILT if operations(CONTRACT)[path, method]["x-known"] == "exact"
    for status in operations(CONTRACT)[path, method]["responses"] if status.startswith("2")
])  # fmt: skip
def test_a_success_that_is_known_exactly_has_no_field_of_ours(path: str, method: str, status: str) -> None:
    promised, answered = (answer_schema(document, operations(document)[path, method], status) for document in (CONTRACT, OURS))
    assert set(answered["properties"]) == set(promised["properties"])


BY_TICKET = "/v1/sessions/{id}/stream"  # a browser, which can send no token


@pytest.mark.parametrize(("path", "method"), OUR_OPERATIONS)
def test_an_operation_has_an_id_its_scopes_and_every_error(path: str, method: str) -> None:
    operation = operations(OURS)[path, method]
    assert operation["operationId"]
    assert {"429", "500", "503"} <= set(operation["responses"])
    if path.startswith("/v1/") and path not in NEEDS_NO_TOKEN:
        requirement, *tickets = operation["security"]
        assert set(requirement["bearer"]) <= set(SCOPES)
        assert tickets == ([{"ticket": []}, {"ticketCookie": []}] if path == BY_TICKET else [])
        assert {"401", "403"} <= set(operation["responses"])
    else:
        assert operation["security"] == []


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in operations(OURS).values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("path", "method"), OUR_OPERATIONS)
def test_every_example_is_of_its_schema(path: str, method: str) -> None:
    operation = operations(OURS)[path, method]
    contents = [answer.get("content", {}) for answer in operation["responses"].values()]
    contents.append(operation.get("requestBody", {}).get("content", {}))
    for content in contents:
        for media in content.values():
            schema = followed(OURS, media["schema"])
            examples = [named["value"] for named in media.get("examples", {}).values()]
            for example in [*examples, *([media["example"]] if "example" in media else [])]:
                assert not faults_in(example, schema)


def test_every_json_answer_and_body_has_an_example() -> None:
    for operation in operations(OURS).values():
        contents = [answer.get("content", {}) for answer in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for content in contents:
            if "application/json" in content:
                assert {"example", "examples"} & set(content["application/json"]), operation["operationId"]


def test_every_event_is_listed_as_a_webhook() -> None:
    assert set(OURS["webhooks"]) == {event.name for event in EVENTS}


def differences(theirs: Any, ours: Any, *, may_add: frozenset[str] = MAY_ADD) -> list[str]:
    """Where a schema of ours is not the contract's."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return [] if _same(theirs, ours) else [f"{theirs!r} is {ours!r}"]
    spelled_out = {"pattern"} if theirs.get("format") in SPELLED_OUT else set()
    added = set(ours) - set(theirs) - may_add - spelled_out
    missing = set(theirs) - set(ours)
    found = [f"{key} is added" for key in sorted(added)] + [f"{key} is missing" for key in sorted(missing)]
    for key in set(theirs) & set(ours):
        inside = may_add | {"minLength"} if key == "items" else may_add  # an empty name in a list is a slip
        found += [f"{key}: {text}" for text in differences(theirs[key], ours[key], may_add=inside)]
    return found


def strangers(wanted: dict[str, Json], taken: dict[str, Json]) -> list[str]:
    """Where our parameters are not the contract's."""
    found = [f"{name} is missing" for name in sorted(wanted.keys() - taken.keys())]
    found += [f"{name} is added" for name in sorted(taken.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & taken.keys()):
        if taken[name].get("required", False) != wanted[name].get("required", False):
            found.append(f"{name}: required is another")
        found += [f"{name}: {text}" for text in differences(wanted[name]["schema"], taken[name]["schema"], may_add=MAY_NARROW)]
    return found


def _same(theirs: Any, ours: Any) -> bool:
    """Equal; the order of a list of names says nothing."""
    if isinstance(theirs, list) and isinstance(ours, list):
        return sorted(map(str, theirs)) == sorted(map(str, ours))
    return bool(theirs == ours)


@pytest.mark.parametrize("ours", [
    {"type": "integer"},
    {"type": ["string", "null"], "minLength": 1},
    {"type": "string"},
    {"type": "string", "minLength": 1, "enum": ["a"]},
])  # fmt: skip
def test_a_field_that_drifts_is_noticed(ours: Json) -> None:
    assert differences({"type": "string", "minLength": 1}, ours)


@pytest.mark.parametrize("ours", [
    {},
    {"limit": {"schema": {"type": "string"}}},
    {"limit": {"schema": {"type": "integer"}, "required": True}},
    {"limit": {"schema": {"type": ["integer", "null"]}}},
    {"limit": {"schema": {"type": "integer"}}, "offset": {"schema": {"type": "integer"}}},
])  # fmt: skip
def test_a_parameter_that_drifts_is_noticed(ours: dict[str, Json]) -> None:
    assert strangers({"limit": {"schema": {"type": "integer"}}}, ours)


def test_a_parameter_may_say_which_of_its_values_mean_something() -> None:
    assert not strangers({"kind": {"schema": {"type": "string"}}}, {"kind": {"schema": {"type": "string", "enum": ["live"]}}})

"""Walks along the document's links: what one answer names is asked for next, by every holder."""

from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import requests
from schemathesis import Case
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput

from greenroom.kit.ids import BrandId
from tests.contract.schemas import OURS, operations
from tests.fuzz.budget import SEED, WALKS
from tests.fuzz.holders import HOLDERS, MAKER, Holder
from tests.fuzz.stage import Planned, Stage, set_all_but_session
from tests.fuzz.surface import SURFACE

SETTINGS = hypothesis.settings(
    SURFACE.config.get_hypothesis_settings(phase="stateful"),
    max_examples=WALKS,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # how long bodies take to make is the machine's matter
)
Walk: Any = SURFACE.as_state_machine()  # a class that is made of the document, which no type checker reads


@pytest.mark.parametrize("holder", HOLDERS, ids=str)
def test_what_an_answer_names_can_be_asked_for(stage: Stage, holder: Holder) -> None:
    """The maker takes the steps that no link leads to, so that there is something to walk on to; the holder the others."""
    wire = requests.Session()

    class HoldersWalk(Walk):  # type: ignore[misc]  # made when the tests are
        def setup(self) -> None:
            # A brand of its own: what an earlier walk has left would change the answers, and a walk could not be repeated.
            self.brand = BrandId(f"walk-{uuid4().hex}")
            self.walker = MAKER
            stage.session(Planned(MAKER, self.brand))  # else lists would be empty, and lead nowhere

        def step(self, input: StepInput) -> StepOutput:
            self.walker = MAKER if input.transition is None else holder
            taken: StepOutput = super().step(input)
            return taken

        def before_call(self, case: Case[Any]) -> None:
            set_all_but_session(case, self.brand)

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:  # noqa: ARG002  # the machine's signature
            return {"base_url": stage.url, "session": wire, "headers": self.walker.headers(self.brand)}

    hypothesis.seed(SEED)(HoldersWalk).run(settings=SETTINGS)


def test_every_operation_of_a_session_is_linked_from_the_answer_that_makes_one() -> None:
    links = operations(OURS)["/v1/sessions", "post"]["responses"]["201"]["links"]
    linked = {link["operationId"] for link in links.values() if link["parameters"] == {"id": "$response.body#/id"}}
    assert linked == {operation["operationId"] for (path, _), operation in operations(OURS).items() if "sessions/{id}" in path}

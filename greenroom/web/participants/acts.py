"""What who takes part does on the page of a session."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []

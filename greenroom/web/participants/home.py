"""What is on: the pages of a brand."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []

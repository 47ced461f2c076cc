"""The framework's own errors, said in the contract's form."""

import re
from collections.abc import Iterable

from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from greenroom.kit.errors import GreenroomError, InternalError, MethodNotAllowed, NotFound, ValidationFailed

_PARAMETER = re.compile(r"\{[^}]+\}")


class FrameworkErrors:
    """Knows the routes, so that a 405 can list what the path does take (RFC 9110, section 15.5.6)."""

    def __init__(self, routes: Iterable[HTTPRouteHandler]) -> None:
        self._routes = [
            (re.compile(_PARAMETER.sub("[^/]+", path)), frozenset(route.http_methods))
            for route in routes
            for path in route.paths
        ]

    def said_as_ours(self, error: HTTPException, *, path: str) -> GreenroomError:
        """The error of ours that says the same."""
        match error.status_code:
            case 404:
                return NotFound()
            case 405:
                return MethodNotAllowed(headers={"Allow": ", ".join(sorted(self._methods_of(path)))})
            case 400:
                return ValidationFailed("The request cannot be read.")
            case _:
                return InternalError()

    def _methods_of(self, path: str) -> set[str]:
        methods: set[str] = {"OPTIONS"}
        for pattern, taken in self._routes:
            if pattern.fullmatch(path.rstrip("/") or "/"):
                methods |= taken
        return methods | {"HEAD"} if "GET" in methods else methods

"""CORS (Fetch standard, section 3.2) by Starlette, with its refusals in the contract's form."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from greenroom.kit.errors import ValidationFailed

OF_THE_BODY = frozenset({"content-length", "content-type"})


class Cors(CORSMiddleware):
    """Answers preflights, and lets browsers of the listed origins read what follows."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a preflight: a browser reads its status and headers alone, a person the rest."""
        response = super().preflight_response(request_headers)
        if response.status_code < ValidationFailed.status:
            return response
        refusal = ValidationFailed(
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers: expected those that this service allows."
        )
        kept = {name: value for name, value in response.headers.items() if name not in OF_THE_BODY}
        return Response(refusal.body(), status_code=refusal.status, headers=kept, media_type="application/json")

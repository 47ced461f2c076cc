"""Signing in by an identity provider: the way there, and the way back."""

from http import HTTPStatus
from typing import Final

from greenroom.identity.provider import TRIP_SECONDS, IdentityProvider, SignInRefusedError
from greenroom.kit.errors import NotFound
from greenroom.kit.http.answer import Answer
from greenroom.web import cookies, forms
from greenroom.web.binding import shows
from greenroom.web.paths import NEXT, own_path
from greenroom.web.visit import Visit, see_other

THERE: Final = "/signin/provider"
BACK: Final = "/signin/callback"


@shows(THERE, to_all=True)
async def go(visit: Visit) -> Answer:
    """To the provider. A link, because no form of ours may lead to another site. Raises NotFound, Unavailable."""
    departure = await _provider(visit).departure(redirect_uri=_redirect_uri(visit), leads_to=own_path(visit.parameter(NEXT)))
    return see_other(departure.url, headers=[cookies.trip(visit.request, departure.kept, seconds=TRIP_SECONDS)])


@shows(BACK, to_all=True)
async def come_back(visit: Visit) -> Answer:
    """From the provider: whoever it names is signed in, in the place of anybody else. Raises NotFound, Unavailable."""
    kept = cookies.trip_in(visit.request)
    over = cookies.trip(visit.request, "", seconds=0)
    try:
        invitation = await _provider(visit).arrival(kept, forms.query_in(visit.request), redirect_uri=_redirect_uri(visit))
    except SignInRefusedError as error:
        return visit.page("signin_refused.html", status=HTTPStatus.FORBIDDEN, headers=[over], reason=error.reason)
    signed_in = await visit.there.sign_in.as_told(invitation)
    if visit.known is not None:
        await visit.there.sign_in.out(visit.known)
    return see_other(own_path(signed_in.leads_to), headers=[cookies.signed_in(visit.request, signed_in.token), over])


def _provider(visit: Visit) -> IdentityProvider:
    if visit.there.provider is None:
        raise NotFound
    return visit.there.provider


def _redirect_uri(visit: Visit) -> str:
    return f"{visit.there.public_url or visit.request.address}{BACK}"


ROUTES = [go, come_back]

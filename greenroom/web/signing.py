"""Signing in and out. A link is used by a form, not by being opened: programs that look into mail open every link."""

from http import HTTPStatus

from greenroom.identity.sign_in import PARAMETER, PATH
from greenroom.kit.errors import InvalidToken
from greenroom.kit.http.answer import Answer
from greenroom.web import cookies, provider_signing
from greenroom.web.binding import does, shows
from greenroom.web.paths import NEXT, own_path
from greenroom.web.visit import Visit, see_other


@shows("/signin", to_all=True)
async def sign_in(visit: Visit) -> Answer:
    """Ways to sign in."""
    there = visit.there
    name = None if there.provider is None else there.provider.name
    return visit.page("signin.html", leads_to=own_path(visit.parameter(NEXT)), provider=name, has_links=there.has_links)


@shows(PATH, to_all=True)
async def link(visit: Visit) -> Answer:
    """Whom the link signs in, with a button that does it. A module presses it where nobody else is signed in."""
    code = visit.parameter(PARAMETER)
    invitation = await visit.there.sign_in.invited(code)
    if invitation is None:
        return visit.page("signin_link_gone.html", status=HTTPStatus.GONE)
    return visit.page("signin_link.html", code=code, invitation=invitation)


@does(PATH, signed_out=True)
async def use_link(visit: Visit) -> Answer:
    """Sign in, once."""
    try:
        signed_in = await visit.there.sign_in.by_link(visit.form.text(PARAMETER))
    except InvalidToken:
        return visit.page("signin_link_gone.html", status=HTTPStatus.GONE)
    if visit.known is not None:
        await visit.there.sign_in.out(visit.known)
    return see_other(own_path(signed_in.leads_to), headers=[cookies.signed_in(visit.request, signed_in.token)])


@does("/signout", signed_out=True)
async def sign_out(visit: Visit) -> Answer:
    """Sign out, in every tab of this browser. Twice is once."""
    if visit.known is not None:
        await visit.there.sign_in.out(visit.known)
    return see_other("/signin?said=signed_out", headers=[cookies.signed_out(visit.request)])


ROUTES = [sign_in, link, use_link, sign_out, *provider_signing.ROUTES]

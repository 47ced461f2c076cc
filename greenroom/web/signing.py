"""Signing in and out. A link is used by a form, not by being opened: programs that look into mail open every link."""

from http import HTTPStatus
from typing import Final

from greenroom.identity.sign_in import PARAMETER, PATH
from greenroom.kit.errors import InvalidToken
from greenroom.kit.http.answer import Answer
from greenroom.web import cookies, provider_signing
from greenroom.web.binding import does, shows
from greenroom.web.visit import Visit, see_other

HOME: Final = "/"
NEXT: Final = "next"
NEXT_CHARACTERS: Final = 1000


def own_path(text: str) -> str:
    """The path where it is one of ours, else that of the first page: nobody is led to another site."""
    is_own = text.startswith("/") and not text.startswith(("//", "/\\")) and len(text) <= NEXT_CHARACTERS
    return text if is_own and text.isascii() and text.isprintable() and "\\" not in text else HOME


@shows("/signin")
async def sign_in(visit: Visit) -> Answer:
    """Ways to sign in."""
    return visit.page("signin.html", leads_to=own_path(visit.parameter(NEXT)))


@shows(PATH)
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

"""Espace: the patient's own record. For now its front door alone, for professionals; its rooms come later."""

from starlette.responses import Response

from lucine.reception import Guest
from lucine.web import Visit, page

WELCOME = "record/out.html"


async def show_espace(visit: Visit, guest: Guest) -> Response:
    """The page of who is signed in."""
    return page(visit, "record/in.html", guest=guest)


__all__ = ["WELCOME", "show_espace"]

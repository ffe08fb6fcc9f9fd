"""Cabinet: the midwife's practice. For now its front door alone; its rooms come later."""

from starlette.responses import Response

from lucine.reception import Guest
from lucine.web import Visit, page

WELCOME = "practice/out.html"


async def show_cabinet(visit: Visit, guest: Guest) -> Response:
    """The page of who is signed in."""
    return page(visit, "practice/in.html", guest=guest)


__all__ = ["WELCOME", "show_cabinet"]

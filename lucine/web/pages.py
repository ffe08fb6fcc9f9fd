"""Pages and answers."""

import hashlib
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.ext import Extension
from markupsafe import Markup, escape
from starlette.responses import FileResponse, HTMLResponse, Response

from .languages import LANGUAGES, translations
from .refusal import not_found
from .visit import Visit

ROOMS = Path(__file__).parent.parent
PARIS = ZoneInfo("Europe/Paris")
PLAIN = str.maketrans("\u00a0\u2019", " '")


class _RoomLoader(FileSystemLoader):
    """``room/name.html`` is ``lucine/room/templates/name.html``."""

    def get_source(self, environment: Environment, template: str) -> Any:
        room, _, name = template.partition("/")
        return super().get_source(environment, f"{room}/templates/{name}")


SENTENCE = re.compile(r'{{ _\("([^"\\%]*)"\) }}')
STATIC = re.compile(r"{{ static\('([^']+)'\) }}")


class _Fixed(Extension):
    """What never changes in a template of one language is written into it when it is read: half of a page's time."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        sentences = self.environment.globals["sentence"]
        written = str if (name or "").endswith(".txt") else escape
        source = SENTENCE.sub(lambda found: str(written(sentences(found[1]))), source)  # type: ignore[operator]
        return STATIC.sub(lambda found: static_address(found[1]), source)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=_RoomLoader(ROOMS),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", _Fixed],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["sentence"] = translations(language).gettext
    environment.globals["static"] = static_address
    environment.filters["when"] = lambda at, zone=PARIS.key, year=False: format_datetime(
        datetime.fromtimestamp(at, ZoneInfo(zone)),
        "EEEE d MMMM y, HH:mm" if year else "EEEE d MMMM, HH:mm",
        locale=language,
    )
    environment.filters["clock"] = lambda at: format_datetime(
        datetime.fromtimestamp(at, PARIS), "HH:mm", locale=language
    )
    environment.filters["lasting"] = lambda seconds: format_timedelta(seconds, locale=language)
    return environment


def page(visit: Visit, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page in the visitor's language. ``template`` is ``room/name.html``."""
    return HTMLResponse(_render(visit, template, facts), status)


def fragment(visit: Visit, template: str, **facts: Any) -> Markup:
    """A piece that a page of another room holds, in the visitor's language."""
    return Markup(_render(visit, template, facts))  # noqa: S704


def _render(visit: Visit, template: str, facts: dict[str, Any]) -> str:
    return (
        _environment(visit.language)
        .get_template(template)
        .render(language=visit.language, languages=LANGUAGES, settings=visit.house.settings, visit=visit, **facts)
    )


def text(language: str, template: str, **facts: Any) -> str:
    """A text (a message) in a language; the first line of a mail is its subject."""
    # One sign that GSM's alphabet lacks more than halves what a text message holds.
    return _environment(language).get_template(template).render(**facts).translate(PLAIN)


def json_answer(value: Any, status: int = 200) -> Response:
    """Any msgspec value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


# ``room/file``: where it is, and its hash. Listed once: a file has one name, and a stranger's spellings fill no memory.
STATIC_FILES = {
    f"{root.parent.name}/{path.relative_to(root).as_posix()}": (
        path,
        hashlib.sha256(path.read_bytes()).hexdigest()[:12],
    )
    for root in ROOMS.glob("*/static")
    for path in root.rglob("*")
    if path.is_file()
}


def static_address(name: str) -> str:
    """The address of ``room/static/file``, with its hash so that browsers may keep it for ever."""
    return f"/static/{name}?v={STATIC_FILES[name][1]}"


async def static_file(visit: Visit, _: None) -> Response:
    """A file of a room's static folder."""
    found = STATIC_FILES.get(visit.request.path_params["name"])
    if found is None:
        raise not_found("static file")
    path, version = found
    answer = FileResponse(path)
    kept = visit.request.query_params.get("v") == version
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
    return answer


def as_file(name: str) -> dict[str, str]:
    """The header by which a browser saves an answer under this name, of letters, digits, hyphens and dots."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def redirect(address: str) -> Response:
    """See Other: a form is never sent again (RFC 9700 section 4.12)."""
    return Response(status_code=303, headers={"Location": address})

"""Static files: each under one name, and nothing else."""

import pytest

from lucine.web.pages import STATIC_FILES, static_address
from tests.world import World


async def test_every_file_is_served_under_its_name(small_world: World) -> None:
    browser = small_world.browser()
    assert {"web/lucine.css", "phone/sw.js", "signin/start.js"} <= set(STATIC_FILES)
    for name in STATIC_FILES:
        kept = await browser.get(static_address(name))
        assert kept.status_code == 200, name
        assert "immutable" in kept.headers["cache-control"]
    assert (await browser.get("/static/phone/sw.js?v=other")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "phone/./sw.js", "phone/././/sw.js", "phone//sw.js", "phone/x/../sw.js", "phone/sw.js/", "/phone/sw.js",
        "phone/../../web/pages.py", "phone/%2e%2e/phone/sw.js", "phone/%2e/sw.js", "phone/SW.js", "phone", "", "phone/",
        "phone/sw.js%00", "templates/base.html", "phone/" + "x" * 5000,
    ],
)  # fmt: skip
async def test_another_spelling_is_another_name(small_world: World, name: str) -> None:
    """Raw, as a program sends it: browsers take the dots out before."""
    known = dict(STATIC_FILES)
    path = f"/static/{name.replace('%2e', '.').replace('%00', chr(0))}"
    answers: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])  # type: ignore[arg-type]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET", "path": path,
             "query_string": b"", "headers": [(b"host", b"connect.test")], "client": ("192.0.2.1", 1),
             "scheme": "https"}  # fmt: skip
    await small_world.app(scope, receive, send)
    assert answers == [404]
    assert known == STATIC_FILES, "nothing is kept of what strangers type"

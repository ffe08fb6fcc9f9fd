"""Names of browsers: what people read, and that nobody can write there what she likes."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucine.watch.browser_name import BRANDS, BROWSERS, SYSTEMS, UNKNOWN, _name, browser_name

SAMPLE = (Path(__file__).parent / "data" / "user-agents.txt").read_text().splitlines()
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
CHROME = f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{WINDOWS[:-1]}; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox sur Windows"),
        (CHROME, "Chrome sur Windows"),
        (f"{CHROME} Edg/130.0.0.0", "Edge sur Windows"),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile"
            " Safari/537.36",
            "Chrome sur Android",
        ),
        (f"{IPHONE} Version/26.6 Mobile/15E148 Safari/604.1", "Safari sur iPhone"),
        (
            f"{IPHONE.replace('iPhone; CPU iPhone', 'iPad; CPU')} CriOS/148.0 Mobile/15E148 Safari/604.1",
            "Chrome sur iPad",
        ),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:154.0) Gecko/20100101 Firefox/154.0", "Firefox sur Linux"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "HeadlessChrome sur Windows"),
        ("", UNKNOWN),
        ("curl/8.5.0", UNKNOWN),
        ("python-httpx/0.28", UNKNOWN),
        (WINDOWS, UNKNOWN),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", UNKNOWN),
        ("\0\ud800<script>", UNKNOWN),
        ("x" * 512 + CHROME, UNKNOWN),
    ],
)
def test_what_people_read(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


@pytest.mark.parametrize(
    ("hints", "name"),
    [
        ('"Chromium";v="130", "Brave";v="130", "Not?A_Brand";v="99"', "Brave sur Windows"),
        ('"Not A(Brand";v="8", "Chromium";v="130", "Microsoft Edge";v="130"', "Edge sur Windows"),
        ('"Chromium";v="130", "Google Chrome";v="130"', "Chrome sur Windows"),
        ('"Votre banque";v="1"', "Chrome sur Windows"),
        ("", "Chrome sur Windows"),
        ('"' * 9999, "Chrome sur Windows"),
    ],
)
def test_the_hint_tells_what_the_text_hides(hints: str, name: str) -> None:
    assert browser_name(CHROME, hints) == name


@pytest.mark.parametrize("user_agent", SAMPLE)
def test_browsers_of_the_street_are_known(user_agent: str) -> None:
    assert re.fullmatch(r"[\w ]+ sur [\w ]+", browser_name(user_agent))


def test_the_sample_has_every_kind() -> None:
    names = Counter(browser_name(user_agent) for user_agent in SAMPLE)
    assert len(names) > 20
    assert {"Safari sur iPhone", "Chrome sur Android", "Firefox sur Mac", "Edge sur Windows"} <= set(names)


PIECES = [
    "Mozilla/5.0",
    "(Windows NT 10.0)",
    "Firefox/1",
    "Chrome/1",
    "approuvez-vite-bot/1.0",
    "Urgent-banque/2",
    "Edg/1",
]
BROWSER_WORDS = {*BROWSERS.values(), *BRANDS.values()}
SYSTEM_WORDS = {*SYSTEMS.values(), "iPad", ""}


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8))).map(" ".join)), st.text())
def test_nobody_writes_her_own_words_on_the_phone(user_agent: str, hints: str) -> None:
    name = browser_name(user_agent, hints)
    browser, _, system = name.partition(" sur ")
    assert name == UNKNOWN or (browser in BROWSER_WORDS and system in SYSTEM_WORDS)


def test_what_is_remembered_stays_small() -> None:
    _name.cache_clear()
    for number in range(5):
        browser_name("y" * 600 + str(number), "z" * 600 + str(number))
    assert _name.cache_info().currsize == 1
    assert (_name.cache_info().maxsize or 0) <= 4096

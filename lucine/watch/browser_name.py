"""How a browser calls itself, for people to read. It never recognises anybody: it is a claim.

The name stands on the page where the holder approves, and whoever asks writes it: so only names on
these lists are ever shown, never a word of the text itself.
"""

import re
from functools import lru_cache

import ua_parser

UNKNOWN = "navigateur inconnu"
LENGTH_MAX = 512
CACHE_ENTRIES = 2048  # each at most twice LENGTH_MAX: about 2 MB

BROWSERS = {
    "Brave": "Brave",
    "Chrome": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Chromium": "Chromium",
    "DuckDuckGo": "DuckDuckGo",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Ecosia Android": "Ecosia",
    "Ecosia iOS": "Ecosia",
    "Edge": "Edge",
    "Edge Mobile": "Edge",
    "Epiphany": "Epiphany",
    "Facebook": "Facebook",
    "Firefox": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "Google",
    "HeadlessChrome": "HeadlessChrome",  # not made pretty: nobody sits before it
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Instagram": "Instagram",
    "Konqueror": "Konqueror",
    "MiuiBrowser": "Mi Browser",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera": "Opera",
    "Opera GX": "Opera",
    "Opera Mini": "Opera",
    "Opera Mobile": "Opera",
    "Opera Touch": "Opera",
    "Qwant Mobile": "Qwant",
    "Safari": "Safari",
    "Samsung Internet": "Samsung Internet",
    "Snapchat": "Snapchat",
    "Vivaldi": "Vivaldi",
    "Yandex Browser": "Yandex",
}
SYSTEMS = {
    "Android": "Android",
    "Chrome OS": "ChromeOS",
    "Debian": "Linux",
    "Fedora": "Linux",
    "FreeBSD": "FreeBSD",
    "HarmonyOS": "HarmonyOS",
    "Linux": "Linux",
    "Linux Mint": "Linux",
    "Mac OS X": "Mac",
    "Ubuntu": "Linux",
    "Windows": "Windows",
    "Windows Phone": "Windows Phone",
    "iOS": "iPhone",
}
# Some browsers say who they are only in the hint, and Chrome in the text (User-Agent Client Hints section 3.1).
BRANDS = {
    "Brave": "Brave",
    "DuckDuckGo": "DuckDuckGo",
    "Microsoft Edge": "Edge",
    "Opera": "Opera",
    "Opera GX": "Opera",
    "Samsung Internet": "Samsung Internet",
    "Vivaldi": "Vivaldi",
    "YaBrowser": "Yandex",
}
BRAND = re.compile(r'"([^"\\]{1,40})"\s*;\s*v=')


def browser_name(user_agent: str, hints: str = "") -> str:
    """``Firefox sur Windows``; UNKNOWN where nothing can be read. ``hints``: the header Sec-CH-UA."""
    # In ASCII: the parser breaks on half characters (surrogates), which headers can hold.
    return _name(user_agent[:LENGTH_MAX].encode("ascii", "replace").decode(), hints[:LENGTH_MAX])


@lru_cache(CACHE_ENTRIES)
def _name(user_agent: str, hints: str) -> str:
    found = ua_parser.parse(user_agent)
    brand = next((BRANDS[said] for said in BRAND.findall(hints) if said in BRANDS), None)
    browser = brand or BROWSERS.get(found.user_agent.family if found.user_agent else "")
    if browser is None:
        return UNKNOWN
    system = SYSTEMS.get(found.os.family if found.os else "")
    if found.device and found.device.family == "iPad":
        system = "iPad"
    return f"{browser} sur {system}" if system else browser

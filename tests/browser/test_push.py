"""A known browser rings while the phone's app is closed: one message, which says nothing, wakes the phone."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from playwright.sync_api import BrowserContext, Page, expect

from lucine.app.demo import PEOPLE
from lucine.safe import tokens

from .conftest import Demo, Window
from .push_service import Message, PushService, Subscription
from .test_story import Open, enrol, home, sign_in_by_scan, sign_out, start_at

pytestmark = pytest.mark.xdist_group("browser")

PERSON = "carl"
START_SECONDS = 120  # the life of a request, unless more time is asked
DUE_SECONDS = 3.0  # a message that is sent at all has come by then

# A browser without a vendor has no push service: this one's answers in its place.
SUBSCRIBE = """
PushManager.prototype.subscribe = async function (options) {
  globalThis.askedFor = {
    visible: options.userVisibleOnly,
    key: btoa(String.fromCharCode(...new Uint8Array(options.applicationServerKey))),
  };
  const subscription = %s;
  const given = { ...subscription, options, toJSON: () => subscription, unsubscribe: async () => true };
  PushManager.prototype.getSubscription = async () => given;
  return given;
};
"""


@pytest.fixture
def phone(running: Demo, window: Open) -> Window:
    """A phone whose owner lets Lucine notify her."""
    made = window(phone=True)
    made.context.grant_permissions(["notifications"], origin=running.connect)
    return made


def subscribe(running: Demo, phone: Window, pushes: PushService) -> tuple[Subscription, bytes]:
    """She turns notifications on; where the messages will go, and the key that must sign them."""
    subscription = Subscription(pushes)
    phone.context.add_init_script(SUBSCRIBE % json.dumps(subscription.as_json()))
    home(phone, running)
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    phone.page.locator("[data-screen=home] [data-action=settings]:visible").last.click()
    phone.page.locator("[data-screen=settings] [data-action=push]").click()
    expect(phone.page.locator("[data-action=push]")).to_have_attribute("aria-checked", "true")
    asked = phone.page.evaluate("() => globalThis.askedFor")
    assert asked["visible"] is True
    return subscription, _from_base64(asked["key"])


def _from_base64(text: str) -> bytes:
    return tokens.decode(text.rstrip("=").replace("+", "-").replace("/", "_"))


def wait_for_message(pushes: PushService, subscription: Subscription) -> Message:
    """The one that came: after a while there is no second."""
    deadline = time.monotonic() + 10
    while not pushes.sent_to(subscription):
        assert time.monotonic() < deadline, "no message came"
        time.sleep(0.05)
    time.sleep(DUE_SECONDS)
    (message,) = pushes.sent_to(subscription)
    return message


def check_signature(message: Message, pushes: PushService, public: bytes) -> None:
    """RFC 8292 section 2 and 3: for this service alone, for a day at most, by the key the browser was given."""
    scheme, _, parameters = message.headers["authorization"].partition(" ")
    said = dict(part.strip().split("=", 1) for part in parameters.split(","))
    assert scheme.lower() == "vapid"
    assert tokens.decode(said["k"]) == public
    x, y = tokens.encode(public[1:33]), tokens.encode(public[33:])
    key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    claims = jwt.decode(said["t"], key, algorithms=["ES256"]).claims
    assert claims["aud"] == pushes.origin
    assert time.time() < claims["exp"] <= time.time() + 24 * 3600
    assert claims["sub"].startswith("mailto:")


def deliver(running: Demo, context: BrowserContext, payload: bytes) -> list[dict[str, Any]]:
    """Hand the payload to the service worker, as the browser would; the notifications that are shown then."""
    page = context.new_page()
    page.goto(f"{running.connect}/lost")  # a page of Connect that the app's worker does not serve
    cdp = context.new_cdp_session(page)
    found: list[str] = []

    def note(event: dict[str, Any]) -> None:
        found.extend(one["registrationId"] for one in event["registrations"] if one["scopeURL"].endswith("/phone/"))

    cdp.on("ServiceWorker.workerRegistrationUpdated", note)
    cdp.send("ServiceWorker.enable")
    _until(page, lambda: bool(found))
    shown: list[dict[str, Any]] = []

    def look() -> bool:
        shown[:] = page.evaluate(
            "() => navigator.serviceWorker.getRegistration('/phone/').then((found) => found.getNotifications())"
            ".then((all) => all.map(({ title, body, tag, data }) => ({ title, body, tag, data })))"
        )
        return bool(shown)

    # The debugging protocol loses a message to a worker that is just being replaced. The tag makes two of them one.
    for _ in range(5):
        cdp.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": running.connect, "registrationId": found[-1], "data": payload.decode()},
        )
        with contextlib.suppress(TimeoutError):
            _until(page, look, 4)
            break
    assert shown, "no notification came"
    page.close()
    return shown


def _until(page: Page, done: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError("the page does not get there")
        page.wait_for_timeout(50)


def test_n2_n3_n4_n6_a_ring_wakes_a_closed_phone(
    running: Demo, window: Open, phone: Window, pushes: PushService
) -> None:
    desk = window()
    enrol(running, phone, PERSON)
    subscription, public = subscribe(running, phone, pushes)
    home(phone, running)
    sign_in_by_scan(running, desk, phone, keep=True)
    sign_out(desk, running)
    keys = phone.keys()
    phone.page.close()
    assert pushes.sent_to(subscription) == [], "what she scans rings nobody"

    start_at(desk, running.cabinet)
    desk.page.locator("[data-action=ring]").click()
    message = wait_for_message(pushes, subscription)
    assert message.headers["content-encoding"] == "aes128gcm"
    assert 0 < int(message.headers["ttl"]) <= START_SECONDS
    assert (message.headers["urgency"], message.headers["topic"]) == ("high", "ask")
    check_signature(message, pushes, public)

    payload = subscription.open(message)
    assert json.loads(payload) == {"wake": 1}, "nothing of who asks whom"
    (notification,) = deliver(running, phone.context, payload)
    assert notification == {
        "title": "Une demande vous attend", "body": "Ouvrez Lucine pour la voir.", "tag": "ask", "data": None,
    }  # fmt: skip
    number, name, first, *_ = PEOPLE[PERSON]
    for private in (number, name, first, "Cabinet", "localhost"):
        assert private.lower() not in str(notification).lower()

    # She opens the app: the request is there, and her approval signs the desk in.
    opened = Window.on(phone.context.new_page())
    opened.hold(keys)
    opened.page.goto(f"{running.connect}/phone/")
    request = opened.page.locator("[data-screen=request]")
    expect(request).to_be_visible()
    expect(request).to_contain_text("Lucine Cabinet")
    opened.page.locator("[data-action=approve]:visible").click()
    desk.page.wait_for_url(f"{running.cabinet}/**")
    expect(desk.page.locator("main")).to_contain_text(first)
    assert len(pushes.sent_to(subscription)) == 1


def test_an_unknown_browser_that_knows_her_number_wakes_nobody(
    running: Demo, window: Open, phone: Window, pushes: PushService
) -> None:
    enrol(running, phone, PERSON)
    subscription, _ = subscribe(running, phone, pushes)
    phone.page.close()
    stranger = window()
    stranger.page.goto(
        f"{running.connect}/auth?client_id=cabinet&redirect_uri={running.cabinet}/callback&response_type=code"
        f"&scope=openid&state=x&login_hint={PEOPLE[PERSON][0]}"
    )
    expect(stranger.page.locator("main[data-ready=yes]")).to_be_visible()
    expect(stranger.page.locator("[data-action=ring]")).to_be_hidden()
    # Nor if its page is made to ask for the ring.
    refused = stranger.page.evaluate(
        "(start) => fetch(`/start/${start}/ring`, {method: 'POST', headers: {'Content-Type': 'application/json'},"
        " body: JSON.stringify({signature: 'A'.repeat(86)})}).then((answer) => answer.status)",
        stranger.page.locator("main").get_attribute("data-start"),
    )
    assert refused == 409
    time.sleep(DUE_SECONDS)
    assert pushes.sent_to(subscription) == []

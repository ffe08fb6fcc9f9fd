"""Every door of the phone, on one page."""

from lucine.web import Door, anyone

from . import app_pages, ask_pages, enrolment_pages
from .guards import active_phone, enrolled_phone

API = "/phone/api"

DOORS = [
    Door(method="GET", path="/phone/", guard=anyone, act=app_pages.show_app),
    Door(method="GET", path="/phone/manifest.webmanifest", guard=anyone, act=app_pages.show_manifest),
    Door(method="GET", path="/phone/sw.js", guard=anyone, act=app_pages.show_worker),
    Door(method="GET", path=f"{API}/me", guard=enrolled_phone, act=app_pages.show_me, speaks="json"),
    Door(method="GET", path=f"{API}/history", guard=active_phone, act=app_pages.show_history, speaks="json"),
    Door(method="POST", path=f"{API}/push", guard=enrolled_phone, act=app_pages.subscribe, speaks="json",
         body=app_pages.Subscribe),
    Door(method="DELETE", path=f"{API}/push", guard=enrolled_phone, act=app_pages.unsubscribe, speaks="json"),
    Door(method="POST", path=f"{API}/quiet", guard=enrolled_phone, act=app_pages.set_quiet, speaks="json",
         body=app_pages.Quiet),
    Door(method="POST", path=f"{API}/enrolments/options", guard=anyone, act=enrolment_pages.begin, speaks="json",
         body=enrolment_pages.Voucher),
    Door(method="POST", path=f"{API}/enrolments", guard=anyone, act=enrolment_pages.finish, speaks="json",
         body=enrolment_pages.Enrolment),
    Door(method="POST", path=f"{API}/codes", guard=anyone, act=enrolment_pages.ask_for_codes, speaks="json",
         body=enrolment_pages.CodeRequest),
    Door(method="POST", path=f"{API}/codes/check", guard=anyone, act=enrolment_pages.try_codes, speaks="json",
         body=enrolment_pages.Codes),
    Door(method="POST", path=f"{API}/pending/{{device}}/cancel", guard=active_phone,
         act=enrolment_pages.cancel_pending, speaks="json"),
    Door(method="POST", path=f"{API}/claims", guard=active_phone, act=ask_pages.scan, speaks="json",
         body=ask_pages.Code),
    Door(method="GET", path=f"{API}/waiting", guard=active_phone, act=ask_pages.show_waiting, speaks="json"),
    Door(method="POST", path=f"{API}/waiting", guard=active_phone, act=ask_pages.carry_code, speaks="json",
         body=ask_pages.Code),
    Door(method="GET", path=f"{API}/events", guard=active_phone, act=ask_pages.stream_asks, speaks="json"),
    Door(method="POST", path=f"{API}/asks/{{ask}}/approve", guard=active_phone, act=ask_pages.approve, speaks="json",
         body=ask_pages.Approval),
    Door(method="GET", path=f"{API}/fallback", guard=active_phone, act=ask_pages.show_typed, speaks="json"),
    Door(method="POST", path=f"{API}/fallback", guard=active_phone, act=ask_pages.arm_typed, speaks="json"),
    Door(method="DELETE", path=f"{API}/fallback", guard=active_phone, act=ask_pages.disarm_typed, speaks="json"),
    Door(method="GET", path="/lost", guard=anyone, act=enrolment_pages.show_lost),
    Door(method="GET", path="/cancel", guard=anyone, act=enrolment_pages.show_cancel),
]  # fmt: skip

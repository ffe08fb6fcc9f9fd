"""Every door of the security officers, on one page."""

from lucine.web import Door, anyone

from . import action_pages, entry_pages, export_pages, habits_pages, watch_pages
from .sessions import PATH, SIGN_IN, acting, listening, watching

ALARM = f"{PATH}/alarms/{{alarm}}"
INVITATION = f"{PATH}/invitation"

ENTRY_DOORS = [
    Door(method="GET", path=SIGN_IN, guard=anyone, act=entry_pages.show_sign_in),
    Door(method="POST", path=f"{SIGN_IN}/options", guard=anyone, act=entry_pages.sign_in_options, speaks="json"),
    Door(method="POST", path=SIGN_IN, guard=anyone, act=entry_pages.sign_in, speaks="json",
         body=entry_pages.Assertion),
    Door(method="GET", path=INVITATION, guard=anyone, act=entry_pages.show_invitation),
    Door(method="POST", path=f"{INVITATION}/options", guard=anyone, act=entry_pages.invitation_options,
         speaks="json", body=entry_pages.Invitation),
    Door(method="POST", path=INVITATION, guard=anyone, act=entry_pages.accept, speaks="json",
         body=entry_pages.NewPasskey),
]  # fmt: skip

DOORS = [
    *ENTRY_DOORS,
    Door(method="POST", path=f"{PATH}/sign-out", guard=watching, act=entry_pages.sign_out),
    Door(method="GET", path=PATH, guard=watching, act=watch_pages.show_live),
    Door(method="GET", path=f"{PATH}/events", guard=listening, act=watch_pages.stream_live, speaks="json"),
    Door(method="GET", path=f"{PATH}/alarms", guard=watching, act=watch_pages.show_alarms),
    Door(method="GET", path=ALARM, guard=watching, act=watch_pages.show_alarm),
    Door(method="POST", path=f"{ALARM}/acknowledge", guard=acting, act=action_pages.acknowledge),
    Door(method="POST", path=f"{ALARM}/close", guard=acting, act=action_pages.close),
    Door(method="POST", path=f"{ALARM}/measures", guard=acting, act=action_pages.take),
    Door(method="POST", path=f"{ALARM}/measures/end-all", guard=acting, act=action_pages.end_all),
    Door(method="POST", path=f"{ALARM}/measures/{{measure}}/end", guard=acting, act=action_pages.end_one),
    Door(method="POST", path=f"{ALARM}/evidence", guard=acting, act=export_pages.give_bundle),
    Door(method="GET", path=f"{PATH}/map", guard=watching, act=watch_pages.show_map),
    Door(method="GET", path=f"{PATH}/habits", guard=watching, act=habits_pages.show_habits),
    Door(method="GET", path=f"{PATH}/export", guard=watching, act=export_pages.show_export),
    Door(method="POST", path=f"{PATH}/export", guard=acting, act=export_pages.export_events),
]

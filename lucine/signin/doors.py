"""Every door of the sign-in, on one page: the protocol, the start's page, the security page."""

from lucine.phone.guards import active_phone
from lucine.web import Door, anyone

from . import (
    authorize_page,
    ciba,
    discovery,
    disown,
    logout,
    my_number,
    security_pages,
    ssf_configuration,
    ssf_pages,
    start_pages,
    switch_off,
    token_page,
    token_pages,
    work_pages,
)
from .discovery import DISCOVERY_PATHS, PATHS
from .paths import SSF_METADATA, SSF_PATHS, SSF_POLL
from .security_pages import PATH, freshly_signed_in, signed_in
from .service_tokens import receiver
from .start_pages import own_start

START = "/start/{start}"
LOGOUT = PATHS["end_session_endpoint"]


def _protocol(method: str, name: str, act: object) -> Door:
    """A door for programs: they prove who they are by themselves, so no cookie counts."""
    return Door(method=method, path=PATHS[name], guard=anyone, act=act, speaks="oauth", cross_site=True)  # type: ignore[arg-type]


PROTOCOL_DOORS = [
    *(Door(method="GET", path=path, guard=anyone, act=discovery.show_discovery, speaks="oauth")
      for path in DISCOVERY_PATHS),
    _protocol("GET", "jwks_uri", discovery.show_keys),
    Door(method="GET", path=PATHS["authorization_endpoint"], guard=anyone, act=authorize_page.authorize_by_query),
    Door(method="POST", path=PATHS["authorization_endpoint"], guard=anyone, act=authorize_page.authorize_by_form,
         cross_site=True),
    _protocol("POST", "pushed_authorization_request_endpoint", authorize_page.push_request),
    _protocol("POST", "token_endpoint", token_page.give_tokens),
    _protocol("GET", "userinfo_endpoint", token_pages.give_userinfo),
    _protocol("POST", "userinfo_endpoint", token_pages.give_userinfo),
    _protocol("POST", "introspection_endpoint", token_pages.introspect),
    _protocol("POST", "revocation_endpoint", token_pages.revoke),
    _protocol("POST", "backchannel_authentication_endpoint", ciba.start_ciba),
    Door(method="GET", path=LOGOUT, guard=anyone, act=logout.log_out_by_query),
    Door(method="POST", path=LOGOUT, guard=anyone, act=logout.log_out_by_form, cross_site=True),
    Door(method="POST", path="/logout", guard=anyone, act=logout.confirm),
]  # fmt: skip


def _start(method: str, name: str, act: object, body: type | None = None) -> Door:
    return Door(method=method, path=f"{START}/{name}", guard=own_start, act=act, speaks="json", body=body)  # type: ignore[arg-type]


START_DOORS = [
    Door(method="GET", path=START, guard=own_start, act=start_pages.show_start),
    Door(method="GET", path=f"{START}/again", guard=own_start, act=start_pages.start_again),
    _start("GET", "events", start_pages.stream_state),
    _start("POST", "browser", start_pages.show_key, start_pages.BrowserKey),
    _start("POST", "work", work_pages.take_solution, work_pages.Solution),
    _start("POST", "proof", work_pages.take_proof, start_pages.Signed),
    _start("POST", "ring", start_pages.ring_phone, start_pages.Signed),
    _start("POST", "more-time", start_pages.more_time),
    _start("POST", "typed", start_pages.type_code, start_pages.TypedCode),
    _start("POST", "passkey/options", start_pages.passkey_options),
    _start("POST", "passkey", start_pages.use_passkey, start_pages.Assertion),
    _start("POST", "finish", start_pages.finish),
    _start("POST", "cancel", start_pages.cancel),
]


def _security(method: str, name: str, act: object, *, fresh: bool = False) -> Door:
    guard = freshly_signed_in if fresh else signed_in
    return Door(method=method, path=f"{PATH}/{name}", guard=guard, act=act)  # type: ignore[arg-type]


# The security page itself is a door of habits, which may have a card to put on it.
SECURITY_DOORS = [
    Door(method="GET", path="/", guard=anyone, act=security_pages.show_home),
    Door(method="GET", path=f"{PATH}/again", guard=anyone, act=security_pages.sign_in_again),
    _security("POST", "sessions/{id}/end", security_pages.end_one),
    _security("POST", "sessions/end-all", security_pages.end_all),
    _security("POST", "sign-ins/{id}/not-me", security_pages.not_me),
    _security("POST", "phones/voucher", security_pages.show_voucher, fresh=True),
    _security("POST", "phones/{id}/rename", security_pages.rename_device),
    _security("POST", "phones/{id}/off", security_pages.switch_phone_off),
    _security("POST", "browsers/{id}/rename", security_pages.rename_known_browser),
    _security("POST", "browsers/{id}/forget", security_pages.forget_known_browser),
    _security("POST", "passkeys/{id}/rename", security_pages.rename_device),
    _security("POST", "passkeys/{id}/delete", security_pages.delete_passkey),
    _security("POST", "digest", my_number.choose_digest),
    _security("POST", "recovery-codes", security_pages.renew_recovery_codes, fresh=True),
    Door(method="POST", path=f"{PATH}/passkeys/options", guard=freshly_signed_in,
         act=security_pages.passkey_options, speaks="json"),
    Door(method="POST", path=f"{PATH}/passkeys", guard=freshly_signed_in, act=security_pages.add_passkey,
         speaks="json", body=security_pages.NewPasskey),
]  # fmt: skip

PHONE_DOORS = [
    Door(method="POST", path="/lost", guard=anyone, act=switch_off.report_lost),
    Door(method="POST", path="/cancel", guard=anyone, act=switch_off.cancel),
    Door(method="POST", path="/phone/api/asks/{ask}/refuse", guard=active_phone, act=disown.refuse, speaks="json",
         body=disown.Reason),
    Door(method="POST", path="/phone/api/history/{ask}/not-me", guard=active_phone, act=disown.disown_from_phone,
         speaks="json"),
]  # fmt: skip


def _ssf(method: str, path: str, act: object, body: type | None = None, *, reads: bool = False) -> Door:
    """A door of the signals: a service with its own access token, to read or to manage."""
    guard = receiver("ssf.read", "ssf.manage") if reads else receiver("ssf.manage")
    return Door(method=method, path=path, guard=guard, act=act, speaks="oauth", cross_site=True, body=body)  # type: ignore[arg-type]


SSF_STREAMS, SSF_STATUS = SSF_PATHS["configuration_endpoint"], SSF_PATHS["status_endpoint"]
SSF_DOORS = [
    Door(method="GET", path=SSF_METADATA, guard=anyone, act=ssf_pages.show_transmitter, speaks="oauth"),
    _ssf("POST", SSF_STREAMS, ssf_configuration.create_stream, ssf_configuration.Configuration),
    _ssf("GET", SSF_STREAMS, ssf_configuration.show_streams, reads=True),
    _ssf("PATCH", SSF_STREAMS, ssf_configuration.update_stream, ssf_configuration.Configuration),
    _ssf("PUT", SSF_STREAMS, ssf_configuration.replace_stream, ssf_configuration.Configuration),
    _ssf("DELETE", SSF_STREAMS, ssf_configuration.remove_stream),
    _ssf("GET", SSF_STATUS, ssf_pages.show_status, reads=True),
    _ssf("POST", SSF_STATUS, ssf_pages.change_status, ssf_pages.StatusChange),
    _ssf("POST", SSF_PATHS["add_subject_endpoint"], ssf_pages.add_subject, ssf_pages.SubjectChange),
    _ssf("POST", SSF_PATHS["remove_subject_endpoint"], ssf_pages.drop_subject, ssf_pages.SubjectChange),
    _ssf("POST", SSF_PATHS["verification_endpoint"], ssf_pages.verify_stream, ssf_pages.Verification),
    _ssf("POST", SSF_POLL, ssf_pages.poll_stream, ssf_pages.Poll),
]

DOORS = [*START_DOORS, *PROTOCOL_DOORS, *SECURITY_DOORS, *PHONE_DOORS, *SSF_DOORS]

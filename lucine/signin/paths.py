"""Where the protocol's endpoints are."""

REALM = "/auth/realms/esante-wallet"  # Pro Santé Connect's paths: a client changes the host, no more
PROTOCOL = f"{REALM}/protocol/openid-connect"
PATHS = {
    "authorization_endpoint": "/auth",
    "token_endpoint": f"{PROTOCOL}/token",
    "userinfo_endpoint": f"{PROTOCOL}/userinfo",
    "introspection_endpoint": f"{PROTOCOL}/token/introspect",
    "revocation_endpoint": f"{PROTOCOL}/revoke",
    "end_session_endpoint": f"{PROTOCOL}/logout",
    "jwks_uri": f"{PROTOCOL}/certs",
    "pushed_authorization_request_endpoint": f"{PROTOCOL}/ext/par/request",
    "backchannel_authentication_endpoint": f"{PROTOCOL}/ext/ciba/auth",
}

# Shared Signals (OpenID Shared Signals Framework 1.0 section 7.1), by their names in its metadata.
SSF = "/ssf"
SSF_METADATA = "/.well-known/ssf-configuration"
SSF_PATHS = {
    "configuration_endpoint": f"{SSF}/streams",
    "status_endpoint": f"{SSF}/status",
    "add_subject_endpoint": f"{SSF}/subjects:add",
    "remove_subject_endpoint": f"{SSF}/subjects:remove",
    "verification_endpoint": f"{SSF}/verify",
}
SSF_POLL = f"{SSF}/streams/{{stream}}/poll"

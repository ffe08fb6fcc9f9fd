"""What Connect can do, announced exactly (OpenID Connect Discovery, RFC 8414), and its public keys."""

from typing import Any

from starlette.responses import Response

from lucine.web import Visit, json_answer
from lucine.web.settings import Settings

from .authorization import ACRS
from .clients import ASSERTION_ALGS, SCOPES, SIGNAL_SCOPES
from .dpop import ALGS as DPOP_ALGS
from .paths import PATHS as PATHS
from .paths import REALM
from .signing_keys import ALGS, ring_of
from .token_page import GRANTS

BACK_CHANNEL = (
    "token_endpoint",
    "userinfo_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "backchannel_authentication_endpoint",
)
DISCOVERY_PATHS = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    f"{REALM}/.well-known/openid-configuration",
    f"{REALM}/.well-known/wallet-openid-configuration",
)
KEYS_CACHED_SECONDS = 300


def discovery_document(settings: Settings) -> dict[str, Any]:
    """The metadata. Each value is exercised by a test."""
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"]
    document: dict[str, Any] = {
        "issuer": settings.origin,
        **{name: settings.origin + path for name, path in PATHS.items()},
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "scopes_supported": [*SCOPES, *SIGNAL_SCOPES],
        "acr_values_supported": list(ACRS),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": list(ALGS),
        "token_endpoint_auth_methods_supported": [*methods, "none"],
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGS,
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGS,
        "revocation_endpoint_auth_methods_supported": [*methods, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGS,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "azp", "sid", "nonce", "at_hash",
            "name", "given_name", "family_name", "preferred_username", "SubjectNameID", "SubjectRefPro", "SubjectRole",
            "SubjectOrganization", "SubjectOrganizationID", "Secteur_Activite", "otherIds", "authMode",
            "codeCivilite", "codeGenreActivite", "Mode_Acces_Raison", "Acces_Regulation_Medicale", "UITVersion",
            "Palier_Authentification", "PSI_Locale",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_pushed_authorization_requests": False,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["fr", "en"],
        "dpop_signing_alg_values_supported": DPOP_ALGS,
        "tls_client_certificate_bound_access_tokens": True,
        "backchannel_token_delivery_modes_supported": ["poll", "ping"],
        "backchannel_user_code_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": False,
        "service_documentation": settings.origin + "/",
    }  # fmt: skip
    if settings.mtls_origin:
        document["mtls_endpoint_aliases"] = {name: settings.mtls_origin + PATHS[name] for name in BACK_CHANNEL}
    return document


async def show_discovery(visit: Visit, _: None) -> Response:
    answer = json_answer(discovery_document(visit.house.settings))
    answer.headers["Cache-Control"] = f"public, max-age={KEYS_CACHED_SECONDS}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


async def show_keys(visit: Visit, _: None) -> Response:
    answer = json_answer((await ring_of(visit.house, visit.now)).jwks)
    answer.headers["Cache-Control"] = f"public, max-age={KEYS_CACHED_SECONDS}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer

"""Client certificates (RFC 8705): from the TLS door itself, or from a proxy that is trusted by address."""

import hashlib
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lucine.safe import tokens
from lucine.web import Refusal, Visit

from .clients import Client

SCOPE_KEY = "lucine.client_certificate"  # in each scope of the TLS door: the certificate (DER), or None


def certificate_of(visit: Visit) -> x509.Certificate | None:
    """The certificate that the client proved in TLS. A header from anybody but a trusted proxy is ignored."""
    scope = visit.request.scope
    if SCOPE_KEY in scope:
        # The TLS door: what it saw is all that counts, whatever the headers say.
        return x509.load_der_x509_certificate(scope[SCOPE_KEY]) if scope[SCOPE_KEY] else None
    header = visit.house.settings.client_cert_header
    texts = [text for text in visit.request.headers.getlist(header) if text] if header else []
    if not texts or not visit.from_trusted_proxy:
        return None
    try:
        # Two: the proxy adds its header after the visitor's instead of replacing it, so neither can be believed.
        [text] = texts
        return x509.load_pem_x509_certificate(unquote(text).replace("\t", "\n").encode())
    except ValueError:
        raise Refusal("invalid_client", "Ce certificat n'est pas lisible.", "certificate header", status=401) from None


def thumbprint_of(certificate: x509.Certificate) -> str:
    """``x5t#S256``: base64url of the SHA-256 of the DER form (RFC 8705 section 3.1)."""
    return tokens.encode(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())


def names_client(certificate: x509.Certificate, client: Client) -> bool:
    """Whether the subject, or one DNS name, is the registered one (RFC 8705 section 2.1.2).

    Names are compared as parsed, not as text, so that encoding and spelling do not matter.
    The TLS layer has verified the chain.
    """
    if client.tls_subject:
        return certificate.subject == x509.Name.from_rfc4514_string(client.tls_subject)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return client.tls_san_dns in names.get_values_for_type(x509.DNSName)

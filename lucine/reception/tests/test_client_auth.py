"""How a front proves at its provider who it is, and under which addresses it knows it."""

import datetime
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey

from .conftest import Clock, open_fronts
from .openid_provider import REALM, OpenIdProvider, serve

CABINET = ("cabinet",)


def database(folder: Path) -> str:
    return f"sqlite:///{folder}/care.db"


async def test_a_secret_of_odd_characters_is_encoded(provider: OpenIdProvider, clock: Clock, tmp_path: Path) -> None:
    """RFC 6749 section 2.3.1, which many clients forget."""
    provider.client_id, provider.client_secret = "cabinet:1", "a:b/c%d+e f&é"
    async with open_fronts(provider, clock, database(tmp_path), tmp_path, names=CABINET) as fronts:
        browser = fronts.browser()
        assert (await browser.sign_in()).status_code == 303
        assert "client_secret" not in provider.seen["token"]
        assert "client_id" not in provider.seen["token"]


async def test_a_wrong_secret_is_a_calm_page_and_a_clear_line(
    provider: OpenIdProvider, clock: Clock, tmp_path: Path, said: list[dict[str, str]]
) -> None:
    async with open_fronts(provider, clock, database(tmp_path), tmp_path, {"CLIENT_SECRET": "x"}, CABINET) as fronts:
        answer = await fronts.browser().sign_in()
        assert answer.status_code == 502
        assert said[-1]["detail"] == "token: status 401 invalid_client"
        assert said[-1]["reference"] in answer.text


@pytest.mark.parametrize("kind", ["ec-pem", "rsa-pem", "jwk"])
async def test_private_key_jwt(provider: OpenIdProvider, clock: Clock, tmp_path: Path, kind: str) -> None:
    key = RSAKey.generate_key(2048) if kind == "rsa-pem" else ECKey.generate_key("P-256", {"kid": "ours"})
    path = tmp_path / "key"
    if kind == "jwk":
        path.write_text(json.dumps(key.as_dict(private=True)))
    else:
        path.write_bytes(key.as_pem(private=True))
    provider.client_key = key
    more = {"CLIENT_AUTH": "private_key_jwt", "CLIENT_KEY": str(path), "CLIENT_SECRET": ""}
    async with open_fronts(provider, clock, database(tmp_path), tmp_path, more, CABINET) as fronts:
        assert (await fronts.browser().sign_in()).status_code == 303
        first = provider.seen["token"]["client_assertion"]
        assert (await fronts.browser().sign_in()).status_code == 303
        assert provider.seen["token"]["client_assertion"] != first
        assert "client_secret" not in provider.seen["token"]


@pytest.mark.parametrize("content", ["", "x", "{}", '{"kty": "oct", "k": "c2VjcmV0"}', "public"])
async def test_a_file_without_private_key_is_refused_at_the_start(
    provider: OpenIdProvider, clock: Clock, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(ECKey.generate_key("P-256").as_pem(private=False) if content == "public" else content.encode())
    more = {"CLIENT_AUTH": "private_key_jwt", "CLIENT_KEY": str(path)}
    with pytest.raises(ValueError, match="holds no private key"):
        async with open_fronts(provider, clock, database(tmp_path), tmp_path, more, CABINET):
            pass


def write_certificates(folder: Path) -> dict[str, Path]:
    """An authority, a server's certificate and ours."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
    found = {}
    for name in ("authority", "server", "cabinet"):
        key = authority_key if name == "authority" else ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        certificate = builder.sign(authority_key, SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        found[name] = folder / f"{name}.pem"
        found[name].write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return found


async def test_tls_client_auth(provider: OpenIdProvider, clock: Clock, tmp_path: Path) -> None:
    """RFC 8705: the certificate proves who we are, at the addresses that ask for one."""
    files = write_certificates(tmp_path)
    tls = {
        "ssl_certfile": str(files["server"]), "ssl_keyfile": str(files["server"]),
        "ssl_ca_certs": str(files["authority"]), "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }  # fmt: skip
    more = {
        "CLIENT_AUTH": "tls_client_auth", "CLIENT_CERTIFICATE": str(files["cabinet"]), "CLIENT_SECRET": "",
        "CA_FILE": str(files["authority"]),
    }  # fmt: skip
    with serve(provider.app, **tls) as port:
        provider.mtls_origin = f"https://localhost:{port}"
        try:
            async with open_fronts(provider, clock, database(tmp_path), tmp_path, more, CABINET) as fronts:
                browser = fronts.browser()
                assert (await browser.sign_in()).status_code == 303
                assert await browser.is_in()
                assert provider.seen["token"]["client_id"] == "cabinet"
            async with open_fronts(
                provider, clock, database(tmp_path), tmp_path, {**more, "CA_FILE": ""}, CABINET
            ) as fronts:
                assert (await fronts.browser().sign_in()).status_code == 503, "an authority that we do not know"
        finally:
            provider.mtls_origin = ""


async def test_the_wallet_address_of_pro_sante_connect(provider: OpenIdProvider, clock: Clock, tmp_path: Path) -> None:
    wallet = f"{provider.issuer}{REALM}/.well-known/wallet-openid-configuration"
    provider.prefix = REALM
    async with open_fronts(provider, clock, database(tmp_path), tmp_path, {"PROVIDER": wallet}, CABINET) as fronts:
        assert (await fronts.browser().sign_in()).status_code == 303
        assert (await fronts.tell(provider.logout_token())).status_code == 200
    # A provider whose issuer is not the address of its metadata (Connect, at that path): the operator says so.
    provider.prefix = ""
    async with open_fronts(provider, clock, database(tmp_path), tmp_path, {"PROVIDER": wallet}, CABINET) as fronts:
        assert (await fronts.browser().get("/sign-in")).status_code == 502
    more = {"PROVIDER": wallet, "ISSUER": provider.issuer}
    async with open_fronts(provider, clock, database(tmp_path), tmp_path, more, CABINET) as fronts:
        assert (await fronts.browser().sign_in()).status_code == 303

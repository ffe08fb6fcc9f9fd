"""Apache with Debian's mod_auth_openidc, set up like the template that Pro Santé Connect publishes, signs in."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lucine.app.bench.soft_key import SoftBrowserKey
from lucine.app.bench.stage import Stage, free_port, server, staged, walk
from lucine.app.bench.wire import Answer, Wire
from lucine.app.connect import open_house
from lucine.signin.clients import Client, add_client
from tests.tools import need, program

MODULES = Path("/usr/lib/apache2/modules")
WANTED = ["mpm_event", "authz_core", "authz_user", "authn_core", "dir", "mime", "include", "auth_openidc"]

CONFIGURATION = """
ServerRoot {folder}
ServerName localhost
User nobody
Group nogroup
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog /dev/stderr
LogLevel warn
DocumentRoot {folder}/www
TypesConfig /dev/null
{modules}
AddType text/html .shtml

OIDCProviderMetadataURL {connect}/auth/realms/esante-wallet/.well-known/wallet-openid-configuration
OIDCClientID apache
OIDCClientSecret {secret}
OIDCRedirectURI http://localhost:{port}/redirect_uri
OIDCCryptoPassphrase an-invented-passphrase
OIDCScope "openid scope_all"
OIDCAuthRequestParams acr_values=eidas1
OIDCPKCEMethod S256
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRemoteUserClaim SubjectNameID
OIDCPassClaimsAs environment

<Location />
    AuthType openid-connect
    Require valid-user
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Location>
"""
HTML = {"Accept": "text/html"}  # it sends a person to sign in, and a program away
PAGE = "|".join(f'<!--#echo var="{name}" -->' for name in ("REMOTE_USER", "OIDC_CLAIM_SubjectNameID", "OIDC_CLAIM_acr"))


@contextmanager
def apache(folder: Path, port: int, connect: str, secret: str) -> Iterator[None]:
    """Apache on a port of its own, with its files in ``folder``."""
    missing = [name for name in WANTED if not (MODULES / f"mod_{name}.so").exists()]
    need(not missing, f"Apache with its modules {', '.join(missing)}")
    (folder / "www").mkdir()
    (folder / "www" / "who.shtml").write_text(PAGE)
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in WANTED)
    configuration = folder / "apache.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, port=port, connect=connect, secret=secret, modules=modules)
    )
    with server([program("apache2"), "-f", str(configuration), "-DFOREGROUND"], dict(os.environ)):
        yield


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Apache's children, who are another user, may read; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="lucine-apache-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


async def reach(port: int, path: str) -> Wire:
    """A browser at Apache, once it listens."""
    browser, deadline = Wire(port), time.monotonic() + 20
    while True:
        try:
            await browser.get(path)
        except OSError:
            assert time.monotonic() < deadline, "Apache does not start"
            await asyncio.sleep(0.05)
        else:
            return browser


async def enter(browser: Wire, desk: Wire, stage: Stage) -> Answer:
    """From the protected page to Connect, through the scan, and back to the protected page."""
    sent = await browser.get("/who.shtml", **HTML)
    assert sent.status == 302, sent.body
    asked = urlsplit(sent.headers["location"])
    assert "code_challenge_method=S256" in asked.query
    phone = Wire(stage.port)
    back = urlsplit(await walk(desk, phone, stage.people[0], SoftBrowserKey(), f"{asked.path}?{asked.query}"))
    await phone.close()
    let_in = await browser.get(f"{back.path}?{back.query}")
    assert let_in.status == 302, let_in.body
    assert urlsplit(let_in.headers["location"]).path == "/who.shtml"
    return await browser.get("/who.shtml", **HTML)


async def test_apache_signs_in_and_is_told_when_she_leaves(folder: Path) -> None:
    port = free_port()
    async with staged(1, LUCINE_ALLOWED_HOSTS=f"localhost:{port}") as stage:
        client = Client(
            id="apache", name="Apache", redirect_uris=[f"http://localhost:{port}/redirect_uri"], alg="RS256",
            subject="psc", logout_uri=f"http://localhost:{port}/redirect_uri?logout=backchannel",
            post_logout_redirect_uris=[f"http://localhost:{port}/who.shtml"],
        )  # fmt: skip
        async with open_house(stage.settings) as house, house.db.transaction() as db:
            secret = await add_client(db, time.time(), house.keys, client)
        with apache(folder, port, stage.settings.origin, secret):
            browser, desk = await reach(port, "/who.shtml"), Wire(stage.port)
            page = await enter(browser, desk, stage)
            who, number, acr = page.body.decode().strip().split("|")
            assert who.startswith("899000000000"), page.body
            assert (number, acr) == ("899000000000", "eidas1")

            # She ends every session at Connect: Apache is told, and asks again.
            ended = await desk.post_form("/security/sessions/end-all", {}, Origin=stage.settings.origin)
            assert ended.status == 303, ended.body
            deadline = time.monotonic() + 20
            while (await browser.get("/who.shtml", **HTML)).status == 200:
                assert time.monotonic() < deadline, "Apache was not told"
                await asyncio.sleep(0.1)

            # And the other way: she leaves at Apache, which sends her to Connect, which sends her back.
            browser.cookies.clear()
            assert (await enter(browser, desk, stage)).status == 200
            leave = await browser.get(f"/redirect_uri?logout=http%3A%2F%2Flocalhost%3A{port}%2Fwho.shtml")
            assert leave.status == 302, leave.body
            asked = urlsplit(leave.headers["location"])
            assert asked.path.endswith("/logout")
            left = await desk.get(f"{asked.path}?{asked.query}")
            assert left.status == 303, left.body
            assert left.headers["location"].startswith(f"http://localhost:{port}/who.shtml")

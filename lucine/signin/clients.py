"""Clients: the services that sign professionals in. Added by an operator, never by the network."""

from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lucine.safe import Keys, Reader, Row, Transaction, tokens, write_ledger
from lucine.web.post import ADDRESS

AuthMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "none"]
Alg = Literal["ES256", "RS256"]

SCOPES = ("openid", "profile", "scope_all")
SIGNAL_SCOPES = ("ssf.manage", "ssf.read")  # CAEP Interoperability Profile section 2.7.2
ID_MAX_LENGTH = 80
NAME_MAX_LENGTH = 80
ASSERTION_ALGS = ["ES256", "PS256", "RS256"]


class Client(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is registered of a service (OpenID Connect Dynamic Registration section 2, in our words)."""

    id: str
    name: str
    redirect_uris: list[str] = []
    post_logout_redirect_uris: list[str] = []
    auth_method: AuthMethod = "client_secret_basic"
    jwks: dict[str, Any] | None = None
    tls_subject: str = ""
    tls_san_dns: str = ""
    subject: Literal["pairwise", "psc"] = "pairwise"
    sector: str = ""
    alg: Alg = "RS256"
    ciba: Literal["", "poll", "ping"] = ""
    ping_uri: str = ""
    logout_uri: str = ""
    contact: str = ""  # mail of the people who run it
    require_par: bool = False
    dpop_bound: bool = False
    signals: bool = False

    @property
    def public(self) -> bool:
        return self.auth_method == "none"

    @property
    def host(self) -> str:
        """Where this service lives, for people to read."""
        return (urlsplit(self.redirect_uris[0]).hostname or "") if self.redirect_uris else ""


def check_address(what: str, address: str) -> None:
    """ValueError that explains, unless it is an address as a client may register it."""
    parts = urlsplit(address)
    if not address.isascii() or not address.isprintable() or any(character in address for character in "\\ <>\"'*"):
        raise ValueError(f"{what} {address!r} has characters that an address cannot have")
    if parts.fragment or "#" in address:
        raise ValueError(f"{what} {address!r} has a fragment (#...): remove it")
    if parts.username or parts.password or not parts.hostname:
        raise ValueError(f"{what} {address!r} must be a full address without user name, such as https://host/path")
    if parts.port == 0:  # reading it also refuses what is no number, or too large a one
        raise ValueError(f"{what} {address!r} has port 0")
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError(f"{what} {address!r} must be https (http is for localhost alone)")


def check_client(client: Client) -> None:
    """ValueError that explains, for the first thing that is wrong."""
    plain = client.id.isascii() and all(character.isalnum() or character in "-_." for character in client.id)
    if not plain or not 1 <= len(client.id) <= ID_MAX_LENGTH:
        raise ValueError(f"the client id is made of 1 to {ID_MAX_LENGTH} letters, digits, '-', '_' and '.'")
    if not client.name.strip() or len(client.name) > NAME_MAX_LENGTH or not client.name.isprintable():
        raise ValueError(f"the name is what midwives read: 1 to {NAME_MAX_LENGTH} printable characters")
    if not client.redirect_uris and not client.ciba:
        raise ValueError("give at least one redirect address (--redirect), or CIBA (--ciba poll)")
    for address in client.redirect_uris:
        check_address("redirect address", address)
    for address in client.post_logout_redirect_uris:
        check_address("address after logout", address)
    for what, address in (("logout address", client.logout_uri), ("ping address", client.ping_uri)):
        if address:
            check_address(what, address)
    if client.contact and not ADDRESS.match(client.contact):
        raise ValueError(f"contact {client.contact!r} is not a mail address")
    if (client.ciba == "ping") != bool(client.ping_uri):
        raise ValueError("CIBA in ping mode needs a ping address (--ping-uri), and only it")
    if client.ciba and client.public:
        raise ValueError("CIBA needs a client that authenticates (OpenID CIBA section 4)")
    if client.signals and client.public:
        raise ValueError("signals need a client that authenticates (RFC 6749 section 4.4)")
    if client.auth_method == "private_key_jwt":
        _check_jwks(client.jwks)
    elif client.jwks:
        raise ValueError("public keys (--jwks) are for private_key_jwt")
    if client.auth_method == "tls_client_auth":
        if bool(client.tls_subject) == bool(client.tls_san_dns):
            raise ValueError("tls_client_auth needs exactly one of --tls-subject and --tls-san-dns (RFC 8705 2.1.2)")
        if client.tls_subject:
            _check_subject(client.tls_subject)
    hosts = {urlsplit(address).hostname for address in client.redirect_uris}
    if client.subject == "pairwise" and len(hosts) > 1 and not client.sector:
        raise ValueError("redirect addresses on several hosts: name the sector (--sector) of the pairwise identifier")


def _check_jwks(jwks: dict[str, Any] | None) -> None:
    if not jwks:
        raise ValueError("private_key_jwt needs the client's public keys (--jwks FILE)")
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise ValueError('the key file is a JSON Web Key Set: {"keys": [...]} with at least one key')
    if any(secret in key for key in keys for secret in ("d", "p", "q", "k")):
        raise ValueError("the key file holds private keys: give the public ones only, and change these keys now")
    try:
        KeySet.import_key_set(jwks)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError) as error:
        raise ValueError(f"the key file holds a key that cannot be read: {error}") from error


def _check_subject(subject: str) -> None:
    try:
        x509.Name.from_rfc4514_string(subject)
    except ValueError as error:
        raise ValueError(
            f"--tls-subject {subject!r} is not a name as RFC 4514 writes it, such as 'CN=service,O=Hospital,C=FR'"
            " (attributes without a short name by number: 2.5.4.5=...)"
        ) from error


async def add_client(db: Transaction, now: float, keys: Keys, client: Client) -> str:
    """Register a client; its secret, shown once ('' where it has none). ValueError if it is not right."""
    check_client(client)
    if await db.one("SELECT id FROM signin_clients WHERE id = :id", id=client.id):
        raise ValueError(f"there is already a client {client.id!r} (ids are never used twice)")
    secret = tokens.new_secret() if client.auth_method.startswith("client_secret") else ""
    await db.run(
        "INSERT INTO signin_clients (id, facts, secret, added_at) VALUES (:id, :facts, :secret, :now)",
        id=client.id, facts=msgspec.json.encode(client).decode(),
        secret=keys.digest(f"client:{client.id}:{secret}") if secret else None, now=now,
    )  # fmt: skip
    await write_ledger(db, now, keys, "client.added", "", {"client": client.id})
    return secret


async def rotate_secret(db: Transaction, now: float, keys: Keys, client_id: str) -> str:
    """A new secret; the old one is void at once. ValueError if the client has no secret."""
    secret = tokens.new_secret()
    done = await db.run(
        "UPDATE signin_clients SET secret = :secret WHERE id = :id AND secret IS NOT NULL AND removed_at IS NULL",
        secret=keys.digest(f"client:{client_id}:{secret}"), id=client_id,
    )  # fmt: skip
    if not done:
        raise ValueError(f"no client {client_id!r} with a secret")
    await write_ledger(db, now, keys, "client.secret_rotated", "", {"client": client_id})
    return secret


async def change_contact(db: Transaction, now: float, keys: Keys, client_id: str, contact: str) -> None:
    """Whom to write to about a client ('' for nobody). ValueError if there is no such client or it is no address."""
    found = await find_client(db, client_id)
    if found is None:
        raise ValueError(f"no client {client_id!r}")
    client = msgspec.structs.replace(found[0], contact=contact)
    check_client(client)
    await db.run("UPDATE signin_clients SET facts = :facts WHERE id = :id",
                 facts=msgspec.json.encode(client).decode(), id=client_id)  # fmt: skip
    await write_ledger(db, now, keys, "client.contact_changed", "", {"client": client_id})


async def remove_client(db: Transaction, now: float, keys: Keys, client_id: str) -> None:
    """Shut a client out; its tokens die with it. ValueError if there is none."""
    if not await db.run(
        "UPDATE signin_clients SET removed_at = :now WHERE id = :id AND removed_at IS NULL", now=now, id=client_id
    ):
        raise ValueError(f"no client {client_id!r}")
    await db.run("UPDATE signin_grants SET ended_at = :now WHERE client = :id AND ended_at IS NULL",
                 now=now, id=client_id)  # fmt: skip
    mine = "stream IN (SELECT id FROM signin_streams WHERE client = :id)"
    await db.run(f"DELETE FROM signin_signals WHERE done_at IS NULL AND {mine}", id=client_id)
    await db.run(f"DELETE FROM signin_unheard WHERE {mine}", id=client_id)
    await db.run("DELETE FROM signin_streams WHERE client = :id", id=client_id)
    await write_ledger(db, now, keys, "client.removed", "", {"client": client_id})


def _client(row: Row) -> Client:
    return msgspec.json.decode(row["facts"], type=Client)


async def find_client(db: Reader, client_id: str) -> tuple[Client, bytes | None] | None:
    """A client and the digest of its secret."""
    row = await db.one("SELECT facts, secret FROM signin_clients WHERE id = :id AND removed_at IS NULL", id=client_id)
    return (_client(row), row["secret"]) if row else None


async def names_of_clients(db: Reader, clients: Iterable[str]) -> list[str]:
    """What these clients are called, in this order; nothing for one that was removed."""
    return [found[0].name for client in clients if (found := await find_client(db, client))]


async def list_clients(db: Reader) -> list[Client]:
    """Every client that is not removed, by id."""
    rows = await db.all("SELECT facts FROM signin_clients WHERE removed_at IS NULL ORDER BY id")
    return [_client(row) for row in rows]

"""The evidence bundle: what is known of an alarm or an incident, in one file that nobody can change unseen.

A ZIP archive of the CONTENTS of its kind and of SEALS. ``manifest.json`` has the SHA-256 and the size of the
contents; ``manifest.jws`` is the same text signed by Connect (RFC 7515, ES256, typ TYP), whose public key is in
``jwks.json``: a reader without Connect can check it, and trusts the key as far as its thumbprint (RFC 7638) is known
to be Connect's.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Annotated, Literal

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.responses import Response, StreamingResponse

from lucine.safe import Row, tokens
from lucine.web import House
from lucine.web.pages import as_file

from .signing_keys import ring_of, sign

TYP = "lucine-evidence+jws"
Kind = Literal["alarm", "incident"]
CONTENTS: dict[Kind, tuple[str, ...]] = {
    "alarm": ("alarm.json", "events.jsonl", "measures.json", "ledger.jsonl"),
    "incident": ("LISEZ-MOI.txt", "incident.json", "timeline.jsonl", "kept.json", "papers.txt", "ledger.jsonl"),
}
SEALS = ("manifest.json", "manifest.jws", "jwks.json")
MEMORY_MAX_BYTES = 8 << 20
# A reader's limits: what is larger was not made here.
BUNDLE_MAX_BYTES = 128 << 20
MANIFEST_MAX_BYTES = 64 << 10
CHUNK_BYTES = 64 << 10
LOCAL_HEADER_BYTES = 30  # before the name of each file (APPNOTE 4.3.7)

Lines = AsyncIterator[bytes]


# RuntimeError: encrypted, or nested too deeply. ValueError: not JSON, not UTF-8, not base64url.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, KeyError,
    msgspec.MsgspecError,
)  # fmt: skip


class BadEvidence(Exception):
    """A bundle that proves nothing; ``str()`` says why."""


class Content(msgspec.Struct, frozen=True):
    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What is signed. ``iat``: seconds since 1970 (RFC 7519 section 4.1.6). ``since``: nothing before is in it."""

    iss: str
    iat: Annotated[int, msgspec.Meta(ge=0, lt=10**11)]
    kind: Kind
    id: str
    since: float
    files: dict[str, Content]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle that is whole. ``thumbprint``: of the key that signed it."""

    manifest: Manifest
    thumbprint: str


async def write_bundle(
    house: House, now: float, contents: Mapping[str, Lines], *, kind: Kind, about: str, since: float
) -> "SpooledTemporaryFile[bytes]":
    """The archive, signed, at its beginning, ready to be read. ``contents``: each of CONTENTS[kind], piece by piece.

    ``about``: the id of the alarm or the incident.
    """
    ring = await ring_of(house, now)
    kid = ring.signers["ES256"][0]
    file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(MEMORY_MAX_BYTES)  # noqa: SIM115 (the answer closes it)
    files: dict[str, Content] = {}
    with zipfile.ZipFile(file, "w") as archive:
        for name in CONTENTS[kind]:
            digest, size = hashlib.sha256(), 0
            with archive.open(name, "w") as entry:
                async for piece in contents[name]:
                    digest.update(piece)
                    size += entry.write(piece)
            files[name] = Content(digest.hexdigest(), size)
        manifest = Manifest(iss=house.settings.origin, iat=int(now), kind=kind, id=about, since=since, files=files)
        signed = await sign(house, now, "ES256", msgspec.to_builtins(manifest), TYP)
        archive.writestr("manifest.json", tokens.decode(signed.split(".")[1]))
        archive.writestr("manifest.jws", signed)
        archive.writestr("jwks.json", pretty({"keys": [key for key in ring.jwks["keys"] if key["kid"] == kid]}))
    file.seek(0)
    return file


def give_file(file: "SpooledTemporaryFile[bytes]", name: str) -> Response:
    """The archive as an answer that a browser saves under this name."""

    async def pieces() -> AsyncIterator[bytes]:
        with file:
            while piece := file.read(CHUNK_BYTES):
                yield piece

    return StreamingResponse(pieces(), media_type="application/zip", headers=as_file(name))


async def one(piece: bytes) -> Lines:
    """A content that is small enough to be in one piece."""
    yield piece


def pretty(value: object) -> bytes:
    """JSON that people read as well."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def ledger_line(row: Row) -> bytes:
    """A line of the ledger with its mark, which `lucine ledger verify` knows."""
    facts = msgspec.json.decode(row["facts"], type=dict[str, str])
    return msgspec.json.encode({**dict(row), "facts": facts, "mark": row["mark"].hex()}) + b"\n"


def check_bundle(path: Path, jwks: bytes | None) -> Checked:
    """What a bundle proves. ``jwks``: Connect's published keys; None trusts the key inside. BadEvidence otherwise."""
    if path.stat().st_size > BUNDLE_MAX_BYTES:
        raise BadEvidence("the file is too large to be a bundle")
    try:
        with zipfile.ZipFile(path) as archive:
            _require_nothing_between(archive)
            return _check(archive, jwks)
    except UNREADABLE as error:
        raise BadEvidence(f"not a readable bundle: {error}") from error


def _require_nothing_between(archive: zipfile.ZipFile) -> None:
    """Each file begins where the one before ends, and the directory where the last does: whoever reads the stream, and
    never looks at the directory, finds no other file. Nothing is deflated: something could hide behind the data.
    """
    place = 0
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise BadEvidence("a file is compressed, as bundles never are")
        if entry.header_offset != place:
            raise BadEvidence("something stands before, or between, the files")
        place += LOCAL_HEADER_BYTES + len(entry.filename.encode()) + entry.file_size
    if place != archive.start_dir or archive.comment:
        raise BadEvidence("something stands behind the files")


def _check(archive: zipfile.ZipFile, jwks: bytes | None) -> Checked:
    found = sorted(entry.filename for entry in archive.infolist())
    if found not in [sorted((*contents, *SEALS)) for contents in CONTENTS.values()]:
        raise BadEvidence(f"no kind of bundle holds exactly {', '.join(found[:20])}")
    small = {name: _read(archive, name) for name in SEALS}
    signed = small["manifest.jws"].decode("ascii")
    key = _key(signed, jwks if jwks is not None else small["jwks.json"])
    try:
        read = jws.deserialize_compact(signed, key, algorithms=["ES256"])
    except JoseError as error:
        raise BadEvidence(f"the signature does not hold: {error}") from error
    if read.headers().get("typ") != TYP:
        raise BadEvidence("signed, but not as evidence")
    if read.payload != small["manifest.json"]:
        raise BadEvidence("manifest.json is not what was signed")
    manifest = msgspec.json.decode(read.payload, type=Manifest)
    names = CONTENTS[manifest.kind]
    if sorted(manifest.files) != sorted(names) or sorted((*names, *SEALS)) != found:
        raise BadEvidence("the manifest names other files")
    for name in names:
        if _content(archive, name) != manifest.files[name]:
            raise BadEvidence(f"{name!r} was changed")
    return Checked(manifest=manifest, thumbprint=key.thumbprint())


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small file of the bundle, however large it says, or does not say, that it is."""
    with archive.open(name) as entry:
        data = entry.read(MANIFEST_MAX_BYTES + 1)
    if len(data) > MANIFEST_MAX_BYTES:
        raise BadEvidence(f"{name!r} is too large")
    return data


def _key(signed: str, jwks: bytes) -> ECKey:
    """The key that the signature names, among these."""
    header, keys = json.loads(tokens.decode(signed.partition(".")[0])), json.loads(jwks)
    if not isinstance(header, dict) or not isinstance(keys, dict) or not isinstance(keys.get("keys"), list):
        raise BadEvidence("the key set, or the signature's header, is not what it should be")
    named = [key for key in keys["keys"] if isinstance(key, dict) and key.get("kid") == header.get("kid")]
    if not named or header.get("kid") is None:
        raise BadEvidence("signed with a key that is not among the trusted ones")
    try:
        return ECKey.import_key({name: str(named[0].get(name)) for name in ("kty", "crv", "x", "y")})
    except (JoseError, TypeError, KeyError) as error:
        raise BadEvidence(f"the key cannot be read: {error}") from error


def _content(archive: zipfile.ZipFile, name: str) -> Content:
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as entry:
        while piece := entry.read(CHUNK_BYTES):
            size += len(piece)
            digest.update(piece)
    return Content(digest.hexdigest(), size)

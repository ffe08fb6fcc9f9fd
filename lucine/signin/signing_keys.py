"""Signing keys: published an hour before they sign, kept a day after, sealed in the database."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from lucine.safe import Keys, Reader, Transaction, write_ledger
from lucine.web import House

ALGS: tuple[Literal["ES256"], Literal["RS256"]] = ("ES256", "RS256")
PUBLISHED_BEFORE_SECONDS = 3600  # relying parties that cache the JWKS have it by then
KEPT_AFTER_SECONDS = 86400
ROTATED_AFTER_SECONDS = 90 * 86400
RSA_BITS = 2048
LOOKED_AT_SECONDS = 10.0
LOOKED_AT_AGAIN_SECONDS = 1.0  # however many forged tokens name a key that does not exist


async def make_keys(db: Transaction, now: float, keys: Keys, *, at_once: bool) -> None:
    """A new key of each algorithm. The ones before go KEPT_AFTER_SECONDS after these begin to sign.

    ``at_once``: the ones before were stolen. They are good for nothing from now on, nor is what they signed.
    """
    signs_from = now if at_once else now + PUBLISHED_BEFORE_SECONDS
    gone = now if at_once else signs_from + KEPT_AFTER_SECONDS
    await db.run("UPDATE signin_keys SET gone_at = :gone WHERE gone_at IS NULL OR gone_at > :gone", gone=gone)
    for alg in ALGS:
        key = ECKey.generate_key("P-256") if alg == "ES256" else RSAKey.generate_key(RSA_BITS)
        kid = key.thumbprint()
        await db.run(
            "INSERT INTO signin_keys (kid, alg, sealed, made_at, signs_from)"
            " VALUES (:kid, :alg, :sealed, :now, :signs_from)",
            kid=kid, alg=alg, sealed=keys.seal(f"signin_keys.{kid}", msgspec.json.encode(key.as_dict(private=True))),
            now=now, signs_from=signs_from,
        )  # fmt: skip
        await write_ledger(db, now, keys, "signing_key.made", "", {"kid": kid, "alg": alg})


async def rotate_if_old(house: House, now: float) -> bool:
    """Chore: the first keys, and new ones every ROTATED_AFTER_SECONDS."""
    row = await house.db.one("SELECT MAX(made_at) AS made_at FROM signin_keys")
    newest = row["made_at"] if row else None
    if newest is not None and now - newest < ROTATED_AFTER_SECONDS:
        return False
    async with house.db.transaction() as db:
        again = await db.one("SELECT MAX(made_at) AS made_at FROM signin_keys")
        if again is None or again["made_at"] == newest:
            await make_keys(db, now, house.keys, at_once=newest is None)
    return False


@dataclass(frozen=True)
class Ring:
    """The keys of a moment: who signs for each algorithm, and all that may verify."""

    signers: dict[str, tuple[str, Any]]
    public: KeySet
    jwks: dict[str, Any]
    loaded: float = field(default_factory=time.monotonic)  # a cache's age, not the house's time


_rings: WeakKeyDictionary[House, Ring] = WeakKeyDictionary()


async def ring_of(house: House, now: float, *, fresh: bool = False) -> Ring:
    """The house's keys, read again every LOOKED_AT_SECONDS so that processes agree."""
    ring = _rings.get(house)
    if ring and time.monotonic() - ring.loaded < (LOOKED_AT_AGAIN_SECONDS if fresh else LOOKED_AT_SECONDS):
        return ring
    ring = await _load(house.db, now, house.keys)
    _rings[house] = ring
    return ring


async def _load(db: Reader, now: float, keys: Keys) -> Ring:
    rows = await db.all(
        "SELECT kid, alg, sealed, signs_from FROM signin_keys WHERE gone_at IS NULL OR gone_at > :now"
        " ORDER BY signs_from",
        now=now,
    )
    signers: dict[str, tuple[str, Any]] = {}
    public = []
    for row in rows:
        said = msgspec.json.decode(keys.unseal(f"signin_keys.{row['kid']}", row["sealed"]))
        key: Any = (ECKey if row["alg"] == "ES256" else RSAKey).import_key(
            {**said, "kid": row["kid"], "use": "sig", "alg": row["alg"]}
        )
        if row["signs_from"] <= now:
            signers[row["alg"]] = (row["kid"], key)
        public.append(key.as_dict(private=False))
    return Ring(signers, KeySet.import_key_set({"keys": public}), {"keys": public})


async def sign(house: House, now: float, alg: str, claims: dict[str, Any], typ: str = "JWT") -> str:
    """A JWT of ours."""
    kid, key = (await ring_of(house, now)).signers[alg]
    return jwt.encode({"alg": alg, "kid": kid, "typ": typ}, claims, key, algorithms=[alg])


async def read_own(house: House, now: float, text: str, typ: str = "JWT") -> dict[str, Any] | None:
    """The claims of a JWT that we signed, with ``iss`` checked and ``exp`` left to the caller; else None."""
    for fresh in (False, True):
        ring = await ring_of(house, now, fresh=fresh)
        try:
            token = jwt.decode(text, ring.public, algorithms=list(ALGS))
        except (JoseError, ValueError, RecursionError):
            # Another process may have made a key since we looked.
            continue
        good = token.claims.get("iss") == house.settings.origin and token.header.get("typ") == typ
        return dict(token.claims) if good else None
    return None

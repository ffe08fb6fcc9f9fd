"""Known browsers: cookie and key together, rotated at each use, so that a copy shows itself."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from lucine.safe import Database, Keys, connect, migrate, tokens, verify_ledger
from lucine.watch.browsers import (
    Known,
    PublicKey,
    browsers_of,
    forget_browser,
    may_be_known,
    pair_browser,
    parse_key,
    recognise_browser,
    rename_browser,
    signed_by,
    thumbprint,
)
from tests.world import SoftBrowserKey

KEYS = Keys(bytes(range(32)))
KEY = SoftBrowserKey()
JWK = PublicKey(**KEY.jwk)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url, ["safe", "watch"])
    database = connect(database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def small_db(tmp_path: Path) -> AsyncIterator[Database]:
    migrate(f"sqlite:///{tmp_path}/watch.db", ["safe", "watch"])
    database = connect(f"sqlite:///{tmp_path}/watch.db")
    await database.open()
    yield database
    await database.close()


async def pair(db: Database, holder: str = "ana", key: PublicKey = JWK) -> Known:
    async with db.transaction() as transaction:
        return await pair_browser(transaction, 1.0, KEYS, holder=holder, name="Firefox sur Linux", key=key)


@dataclass
class Holding:
    """Who holds a browser's cookie and key."""

    db: Database
    cookie: str
    key: SoftBrowserKey
    starts: "itertools.count[int]"

    async def use(self, *, lost: bool = False) -> bool:
        """Prove a fresh start; whether it was recognised. A lost answer brings no new cookie."""
        start, nonce = f"start{next(self.starts)}", tokens.new_secret()
        async with self.db.transaction() as transaction:
            known = await recognise_browser(
                transaction, 2.0, KEYS, cookie=self.cookie, start=start, nonce=nonce,
                signature=self.key.sign(start, nonce),
            )  # fmt: skip
        if isinstance(known, Known) and not lost:
            self.cookie = known.cookie
        return isinstance(known, Known)


async def test_the_cookie_changes_at_each_use_and_only_its_digest_is_kept(db: Database) -> None:
    known = await pair(db)
    hers = Holding(db, known.cookie, KEY, itertools.count())
    seen = {known.cookie}
    for _ in range(4):
        assert await hers.use()
        assert hers.cookie not in seen
        seen.add(hers.cookie)
        assert await may_be_known(db, hers.cookie)
    (row,) = await db.all("SELECT * FROM watch_browsers")
    kept = " ".join(str(value) for value in dict(row).values()).encode() + row["secret"] + row["next_secret"]
    assert not any(cookie.partition(".")[2].encode() in kept for cookie in seen)
    assert (await verify_ledger(db, KEYS))[0] == 1


@pytest.mark.parametrize(
    "orders", [list(itertools.product("ot", repeat=length)) for length in (2, 3, 4)], ids=["2", "3", "4"]
)
async def test_a_full_copy_shows_itself_at_the_second_use(small_db: Database, orders: list[tuple[str, ...]]) -> None:
    """The owner and a thief with cookie and key, in every order: neither can go on once the other came."""
    for order in orders:
        known = await pair(small_db)
        starts: itertools.count[int] = itertools.count()
        who = {name: Holding(small_db, known.cookie, KEY, starts) for name in "ot"}
        caught, came = False, ""
        for name in order:
            came += name if came[-1:] != name else ""
            # The third turn is somebody who comes back after the other: what he holds has been replaced.
            caught = caught or len(came) == 3 or (len(came) == 2 and order.index(name) >= 2)
            assert await who[name].use() == (not caught), (order, came)
        forgotten = known.id not in {row["id"] for row in await browsers_of(small_db, "ana")}
        assert forgotten == caught, order


@pytest.mark.parametrize("length", [1, 3, 6])
async def test_lost_answers_never_lock_the_owner_out(small_db: Database, length: int) -> None:
    for lost in itertools.product((False, True), repeat=length):
        known = await pair(small_db)
        hers = Holding(small_db, known.cookie, KEY, itertools.count())
        assert [await hers.use(lost=one) for one in lost] == [True] * length
        assert await hers.use()


async def test_cookie_alone_or_key_alone_is_nobody_and_costs_the_owner_nothing(small_db: Database) -> None:
    known = await pair(small_db)
    starts: itertools.count[int] = itertools.count()
    thief = SoftBrowserKey()
    assert not await Holding(small_db, known.cookie, thief, starts).use()
    for cookie in (known.id, f"{known.id}.", "", f".{known.cookie}", f"x{known.cookie}", f"{known.id.upper()}.x.y"):
        assert not await Holding(small_db, cookie, KEY, starts).use(), cookie
    assert await Holding(small_db, known.cookie, KEY, starts).use()


async def test_a_key_with_a_replaced_cookie_is_a_copy(small_db: Database) -> None:
    known = await pair(small_db)
    starts: itertools.count[int] = itertools.count()
    assert not await Holding(small_db, f"{known.id}.{tokens.new_secret()}", KEY, starts).use()
    assert not await Holding(small_db, known.cookie, KEY, starts).use()
    (row,) = await small_db.all("SELECT why FROM watch_browsers")
    assert row["why"] == "copied"


async def test_who_holds_an_outdated_cookie_cannot_tell(small_db: Database) -> None:
    """Otherwise a thief would ask before he shows himself."""
    known = await pair(small_db)
    assert await may_be_known(small_db, f"{known.id}.{tokens.new_secret()}")


async def test_an_old_signature_proves_no_other_start(small_db: Database) -> None:
    known = await pair(small_db)
    signature = KEY.sign("start1", "nonce1")
    for start, nonce in (("start2", "nonce1"), ("start1", "nonce2"), ("start1:nonce1", ""), ("", "start1:nonce1")):
        assert not signed_by(JWK, signature, start, nonce)
        async with small_db.transaction() as transaction:
            assert not await recognise_browser(
                transaction, 2.0, KEYS, cookie=known.cookie, start=start, nonce=nonce, signature=signature
            )
    assert signed_by(JWK, signature, "start1", "nonce1")


async def test_one_cookie_used_by_eight_at_once_is_never_two_browsers(db: Database) -> None:
    """Whoever wins, at most two of the cookies that were handed out are good afterwards."""
    known = await pair(db)
    starts: itertools.count[int] = itertools.count()
    holdings = [Holding(db, known.cookie, KEY, starts) for _ in range(8)]
    await asyncio.gather(*(holding.use() for holding in holdings))
    good = [await holding.use() for holding in {h.cookie: h for h in holdings}.values()]
    assert sum(good) <= 2


async def test_other_peoples_browsers_cannot_be_named_or_forgotten(small_db: Database) -> None:
    known = await pair(small_db)
    async with small_db.transaction() as transaction:
        assert not await rename_browser(transaction, holder="carl", browser=known.id, name="mine")
        assert not await forget_browser(transaction, 3.0, KEYS, holder="carl", browser=known.id, why="x")
        assert not await forget_browser(transaction, 3.0, KEYS, holder="carl", why="x")
        assert await rename_browser(transaction, holder="ana", browser=known.id, name="n" * 99)
    (row,) = await browsers_of(small_db, "ana")
    assert row["name"] == "n" * 60
    async with small_db.transaction() as transaction:
        assert await forget_browser(transaction, 3.0, KEYS, holder="ana", browser=known.id, why="x") == 1
        assert await forget_browser(transaction, 3.0, KEYS, holder="ana", browser=known.id, why="x") == 0
    assert not await Holding(small_db, known.cookie, KEY, itertools.count()).use()
    assert not await may_be_known(small_db, known.cookie)


@given(signature=st.one_of(st.text(max_size=100), st.binary(max_size=80).map(tokens.encode)))
def test_no_random_text_is_a_signature(signature: str) -> None:
    assert not signed_by(JWK, signature, "start", "nonce")


@given(at=st.integers(0, 63), bit=st.integers(0, 7))
def test_a_signature_with_one_bit_changed_is_none(at: int, bit: int) -> None:
    raw = bytearray(tokens.decode(KEY.sign("start", "nonce")))
    raw[at] ^= 1 << bit
    assert not signed_by(JWK, tokens.encode(bytes(raw)), "start", "nonce")


@pytest.mark.parametrize(("r", "s"), [(0, 0), (1, 0), (0, 1), (ORDER, ORDER), (ORDER, 1), (2**256 - 1, 2**256 - 1)])
def test_the_signatures_of_nobody_are_none(r: int, s: int) -> None:
    """CVE-2022-21449: zeros were a good signature for every message under every key."""
    assert not signed_by(JWK, tokens.encode(r.to_bytes(32) + s.to_bytes(32)), "start", "nonce")


@given(x=st.binary(max_size=40).map(tokens.encode), y=st.binary(max_size=40).map(tokens.encode))
def test_a_key_is_a_point_of_the_curve_or_refused(x: str, y: str) -> None:
    with pytest.raises(ValueError):
        parse_key(PublicKey(kty="EC", crv="P-256", x=x, y=y))
    assert not signed_by(PublicKey(kty="EC", crv="P-256", x=x, y=y), KEY.sign("s", "n"), "s", "n")


def test_other_kinds_of_keys_are_refused() -> None:
    other = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    x, y = tokens.encode(other.x.to_bytes(48)), tokens.encode(other.y.to_bytes(48))
    for kty, crv in (("EC", "P-384"), ("EC", "P-256"), ("OKP", "P-256"), ("RSA", "P-256"), ("oct", "P-256")):
        with pytest.raises(ValueError):
            parse_key(PublicKey(kty=kty, crv=crv, x=x, y=y))


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    from joserfc.jwk import ECKey

    assert thumbprint(JWK) == ECKey.import_key(KEY.jwk).thumbprint()

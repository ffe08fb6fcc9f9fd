"""Invented people who sign in, and four sorts of attackers who have all but her keys: for the risk goal.

What calibrates what, by the figures of Wiefling et al. 2022 and of a full scan of their 31 million rows:

- an account's sign-in shows a user agent that the account never showed in 52 % of cases, at 2.9 sign-ins an
  account: ``UPDATES`` and ``NEW_DEVICE`` are set so that it is so in the first three sign-ins here;
- the published score costs these people as many extra proofs as it did real ones (medians in the first 12 sign-ins
  with 98, 99, 99.5 and 99.9 % of targeted attackers stopped: 3, 4, 5, 8 here; 2, 4, 5, 8 there, read to ±1): ``MOVES``,
  ``PLACES``, ``SPREAD_SYSTEM``, ``SPREAD_BROWSER``. Naive and vpn attackers are easier here than there;
- the attackers are theirs: *naive* anywhere with anything, *vpn* in her country, *targeted* at her operator with
  her browser and system; and ours, the *insider*, the same on the network of her workplace;
- ``KEEPS`` and ``CLEARS``, how many keep their own browser known and lose it again, is our assumption: nobody has
  published one. The goal is therefore also measured with nobody keeping any.
"""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

import msgspec

from lucine.watch.risk import Signs

from .freeman import Row

OPERATORS = 60
FOREIGN = 300
COUNTRIES = 40
PREFIXES_OF_ALL = 24_000  # /24 networks of the operators together, by their size
CARRIERS = 4  # the operators whose mobile pools people share
MOVES = 0.03  # a home connection gets another address
PLACES = (2.0, 0.8, 0.25, 0.05)  # how people's sign-ins spread over home, work, mobile and elsewhere (Dirichlet)
SPREAD_SYSTEM, SPREAD_BROWSER, BUILDS = 6.0, 8.0, 4
UPDATES = 0.16  # between two sign-ins a browser or its system has changed its version
NEW_DEVICE = 0.03
SHARED = 0.12  # a workplace's sign-ins on a computer of the ward
KEEPS = 0.6  # she keeps her own browser when she approves there
CLEARS = 0.02  # a kept browser has lost its cookie or key since
CLIENTS = ("agenda", "dossier", "mail", "laboratoire", "assurance")

SYSTEMS = {"Windows": 0.5, "Mac": 0.14, "Linux": 0.02, "Android": 0.2, "iPhone": 0.14}
BROWSERS = {
    "Windows": {"Chrome": 0.5, "Edge": 0.3, "Firefox": 0.2},
    "Mac": {"Safari": 0.55, "Chrome": 0.35, "Firefox": 0.1},
    "Linux": {"Firefox": 0.6, "Chrome": 0.4},
    "Android": {"Chrome": 0.75, "Samsung Internet": 0.2, "Firefox": 0.05},
    "iPhone": {"Safari": 0.85, "Chrome": 0.15},
}
HOURS = (0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1, 3, 7, 9, 9, 8, 6, 7, 9, 9, 8, 7, 5, 4, 4, 3, 2, 1)
WEEKEND = 0.25


class Access(msgspec.Struct, frozen=True):
    """Where on the Internet: a country, an operator, one of its /24 networks, an address in it."""

    country: str
    network: str
    prefix: str
    address: str


class Device(msgspec.Struct, frozen=True):
    """``build``: what else its user agent string says."""

    system: str
    system_version: int
    browser: str
    version: int
    build: int


class SignIn(msgspec.Struct, frozen=True):
    """One sign-in as both scores see it."""

    row: Row
    signs: Signs


def _pick(chance: random.Random, weights: dict[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


SIZES = [1 / (rank + 1.5) for rank in range(OPERATORS)]
CUMULATED = list(accumulate(SIZES))


def operator_of(chance: random.Random) -> int:
    return chance.choices(range(OPERATORS), cum_weights=CUMULATED)[0]


def access_at(chance: random.Random, operator: int, pool: str = "fixed") -> Access:
    """Any address of an operator, of its fixed or its mobile pool."""
    prefixes = max(4, int(PREFIXES_OF_ALL * SIZES[operator] / CUMULATED[-1])) // (1 if pool == "fixed" else 8)
    prefix = f"{pool}-{operator}-{chance.randrange(max(2, prefixes))}"
    return Access("FR", f"operator {operator}", prefix, f"{prefix}.{chance.randrange(256)}")


def access_abroad(chance: random.Random, country: str = "") -> Access:
    network = chance.randrange(FOREIGN)
    country = country or f"C{network % COUNTRIES}"
    prefix = f"abroad-{country}-{network}-{chance.randrange(100)}"
    return Access(country, f"abroad {country} {network}", prefix, f"{prefix}.{chance.randrange(256)}")


def new_device(chance: random.Random) -> Device:
    system = _pick(chance, SYSTEMS)
    return device_like(chance, system, _pick(chance, BROWSERS[system]))


def device_like(chance: random.Random, system: str, browser: str) -> Device:
    """Many versions are about, some of them popular; the long tail of strings is long."""
    return Device(
        system, int(chance.expovariate(1 / SPREAD_SYSTEM)), browser, int(chance.expovariate(1 / SPREAD_BROWSER)),
        chance.randrange(BUILDS),
    )  # fmt: skip


def hour_of(chance: random.Random) -> int:
    day = chance.choices(range(7), (1, 1, 1, 1, 1, WEEKEND, WEEKEND))[0]
    return day * 24 + chance.choices(range(24), HOURS)[0]


def sign_in(user: str, access: Access, device: Device, client: str, hour: int, *, known: bool) -> SignIn:
    kind = "mobile" if device.system in ("Android", "iPhone") else "desktop"
    browser, system = f"{device.browser} {device.version}", f"{device.system} {device.system_version}"
    row = Row(
        user=user, address=access.address, asn=access.network, country=access.country,
        agent=f"{browser} {system} {device.build}", browser=browser, system=system, device=kind,
    )  # fmt: skip
    signs = Signs(
        prefix=access.prefix, network=access.network, country="France" if access.country == "FR" else "",
        browser=f"{device.browser} sur {device.system}", system=device.system, client=client, hour=hour,
        method="phone", known=known,
    )  # fmt: skip
    return SignIn(row, signs)


class Person:
    """Somebody with habits, who signs in again and again."""

    def __init__(self, name: str, seed: int, keeps: float) -> None:
        self.name, self.keeps = name, keeps
        self.chance = chance = random.Random(f"{seed} {name}")  # noqa: S311 - a simulation, nothing secret
        self.operator, self.carrier = operator_of(chance), chance.randrange(CARRIERS)
        self.home = access_at(chance, self.operator)
        self.work = access_at(chance, operator_of(chance))
        self.spread = [chance.gammavariate(weight, 1) for weight in PLACES]
        self.own, self.ward = new_device(chance), device_like(chance, "Windows", "Edge")
        self.phone = device_like(chance, (system := _pick(chance, {"Android": 0.6, "iPhone": 0.4})),
                                 _pick(chance, BROWSERS[system]))  # fmt: skip
        self.clients = chance.sample(CLIENTS, 2)
        self.day = chance.choices(range(24), HOURS)[0]
        self.kept: set[str] = set()

    def sign_ins(self, count: int) -> Iterator[SignIn]:
        for _ in range(count):
            yield self._sign_in()

    def _sign_in(self) -> SignIn:
        chance = self.chance
        if chance.random() < MOVES:
            self.home = access_at(chance, self.operator)
        if chance.random() < NEW_DEVICE:
            self.own = new_device(chance)
            self.kept.discard("own")
        place = chance.choices(("home", "work", "mobile", "elsewhere"), self.spread)[0]
        which = "phone" if place == "mobile" else "own"
        if place == "work" and chance.random() < SHARED:
            which = "ward"
        access = {"home": self.home, "work": self.work}.get(place)
        if place == "mobile":
            access = access_at(chance, self.carrier, "mobile")
        elif access is None:
            access = access_abroad(chance) if chance.random() < 0.15 else access_at(chance, operator_of(chance))
        device: Device = getattr(self, which)
        if chance.random() < UPDATES:
            device = msgspec.structs.replace(device, version=device.version + 1, build=chance.randrange(BUILDS))
            setattr(self, which, device)
        if chance.random() < CLEARS:
            self.kept.discard(which)
        known = which in self.kept
        if not known and which != "ward" and chance.random() < self.keeps:
            self.kept.add(which)
        hour = hour_of(chance) if chance.random() < 0.3 else (hour_of(chance) // 24 * 24 + self.day)
        client = self.clients[0] if chance.random() < 0.8 else self.clients[1]
        return sign_in(self.name, access, device, client, hour, known=known)


ATTACKERS = ("naive", "vpn", "targeted", "insider")


def attack(kind: str, chance: random.Random, person: Person, past: list[SignIn]) -> SignIn:
    """Somebody else who completes a sign-in of hers. He acts at people's hours, at any service."""
    habit = Counter(each.row.asn for each in past).most_common(1)[0][0]
    last = next(each for each in reversed(past) if each.row.asn == habit)
    browser, _, system = last.signs.browser.partition(" sur ")
    device, access = new_device(chance), access_abroad(chance)
    if kind == "vpn":
        access = access_abroad(chance, last.row.country)
    elif kind == "targeted":
        device, access = device_like(chance, system, browser), _same_operator(chance, last.row)
    elif kind == "insider":
        device, access = device_like(chance, system, browser), person.work
    return sign_in(person.name, access, device, chance.choice(CLIENTS), hour_of(chance), known=False)


def _same_operator(chance: random.Random, row: Row) -> Access:
    word, _, number = row.asn.partition(" ")
    if word == "operator":
        return access_at(chance, int(number), row.address.partition("-")[0])
    return access_abroad(chance, row.country)

"""Where a request seems to come from, coarsely: for people to read, and one sign among others of an odd sign-in."""

import gzip
import ipaddress
from array import array
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Literal

import msgspec

DATA = Path(__file__).parent / "data" / "networks.txt.gz"
ADDRESS_MAX_LENGTH = 64


class Place(msgspec.Struct, frozen=True):
    """A network, and ``France`` where nearly all of it is; of other countries the data say too little."""

    network: str
    country: str = ""

    @property
    def words(self) -> str:
        """``Orange, France``, or just what is known."""
        return f"{self.network}, {self.country}" if self.country else self.network


UNKNOWN = Place("lieu inconnu")
INSIDE = Place("réseau local")

# Behind the same wall as we are: RFC 1918, 6598, 1122, 3927, 4291, 4193.
LOCAL = [
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "::1/128", "fe80::/10", "fc00::/7",
    )
]  # fmt: skip


class Ranges(msgspec.Struct, frozen=True):
    """Ranges of addresses in order: their first addresses, lengths less one, and networks.

    IPv4: whole addresses. IPv6: the first 64 bits, for no network is told apart below that.
    """

    firsts: "array[int]"
    lengths: "array[int]"
    networks: "array[int]"


@cache
def _book() -> tuple[list[Place], dict[int, Ranges]]:
    """The networks, and the ranges of each version of IP: about 2 MB, read at the first question."""
    places: list[Place] = []
    columns: dict[str, dict[str, list[int]]] = {"4": {}, "6": {}}
    for line in gzip.decompress(DATA.read_bytes()).decode().splitlines():
        kind, _, rest = line.partition("|")
        name, _, value = rest.rpartition("|")
        if kind == "n":
            places.append(Place(name, "France" if value == "1" else ""))
        elif kind in columns:
            columns[kind][name] = [int(number) for number in value.split()]
    ranges = {
        int(version): Ranges(
            array(letter, accumulate(column["gaps"])), array(letter, column["lengths"]), array("H", column["networks"])
        )
        for letter, (version, column) in zip("IQ", columns.items(), strict=True)
    }
    return places, ranges


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, as IPv4 where it is only dressed as IPv6; None if it is none."""
    try:
        ip = ipaddress.ip_address(address[:ADDRESS_MAX_LENGTH])
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def place_of(address: str) -> Place:
    """The place of an IP address; never an error, whatever the text."""
    ip = _parse(address)
    if ip is None:
        return UNKNOWN
    places, ranges = _book()
    of, key = ranges[ip.version], int(ip) if ip.version == 4 else int(ip) >> 64
    at = bisect_right(of.firsts, key) - 1
    if at >= 0 and key - of.firsts[at] <= of.lengths[at]:
        return places[of.networks[at]]
    return INSIDE if any(ip in local for local in LOCAL) else UNKNOWN


# What is in the name of a network that rents computers, in small letters.
HOSTS = (
    "amazon", "google", "microsoft", "ovh", "hetzner", "digitalocean", "scaleway", "online sas", "leaseweb", "contabo",
    "hosting", "hostinger", "cloud", "datacent", "data cent", "server", "vps", "linode", "akamai", "oracle", "m247",
    "datacamp", "constant company", "ikoula", "ionos", "outscale", "rackspace", "equinix", "hivelocity", "colo",
)  # fmt: skip
Kind = Literal["local", "host", "access", "unknown"]


def network_kind(place: Place) -> Kind:
    """What sort of network: rented computers, or people's own access. By its name, so a hint only."""
    if place == INSIDE:
        return "local"
    if place == UNKNOWN:
        return "unknown"
    name = place.network.lower()
    return "host" if any(word in name for word in HOSTS) else "access"


def mismatch(screen: Place, phone: Place) -> bool:
    """Whether the screen that asks is plainly elsewhere than the phone: on rented computers, and the phone is not.

    Two networks of people's own are no sign: a phone on 4G beside a desk on fibre is the rule. Nor is a
    country, which the data know of France alone, and not of all of it. A hint for her, no proof.
    """
    return network_kind(screen) == "host" and network_kind(phone) == "access"


def prefix_of(address: str) -> str:
    """The /24 (IPv4) or /48 (IPv6) of an address: what is kept of it in records; '' if it is not one."""
    ip = _parse(address)
    if ip is None:
        return ""
    if ip.version == 4:
        return f"{ipaddress.IPv4Address(int(ip) >> 8 << 8)}/24"
    return f"{ipaddress.IPv6Address(int(ip) >> 80 << 80)}/48"

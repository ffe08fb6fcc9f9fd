"""Where a request seems to come from, coarsely, for people to read. It decides nothing."""

import gzip
import ipaddress
from array import array
from bisect import bisect_right
from functools import cache
from pathlib import Path

import msgspec

DATA = Path(__file__).parent / "data" / "networks.txt.gz"


class Place(msgspec.Struct, frozen=True):
    """A network, and whether nearly all of it is in France."""

    network: str
    in_france: bool = False

    @property
    def words(self) -> str:
        """``Orange S.A., France``, or just what is known."""
        return f"{self.network}, France" if self.in_france else self.network


UNKNOWN = Place("lieu inconnu")
INSIDE = Place("réseau local")


@cache
def _networks() -> tuple["array[int]", "array[int]", "array[int]", dict[int, Place]]:
    """First addresses, lengths and network numbers, sorted; and the networks. About 1 MB."""
    firsts, lengths, numbers = array("I"), array("I"), array("I")
    places: dict[int, Place] = {}
    for line in gzip.decompress(DATA.read_bytes()).decode().splitlines():
        kind, _, rest = line.partition("|")
        if kind == "r":
            first, length, number = rest.split("|")
            firsts.append(int(first))
            lengths.append(int(length))
            numbers.append(int(number))
        elif kind == "n":
            number, name, french = rest.split("|")
            places[int(number)] = Place(name, french == "1")
    return firsts, lengths, numbers, places


def place_of(address: str) -> Place:
    """The place of an IP address; never an error, whatever the text."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.is_loopback or ip.is_private or ip.is_link_local:
        return INSIDE
    if ip.version == 6:
        return UNKNOWN
    firsts, lengths, numbers, places = _networks()
    at = bisect_right(firsts, int(ip)) - 1
    if at < 0 or int(ip) - firsts[at] > lengths[at]:
        return UNKNOWN
    return places[numbers[at]]


def prefix_of(address: str) -> str:
    """The /24 (IPv4) or /48 (IPv6) of an address: what is kept of it in records; '' if it is not one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False))

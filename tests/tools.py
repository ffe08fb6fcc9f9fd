"""What the tests need of the machine: programs, and a disk whose power can be cut.

What is missing makes its test fail: a proof that was skipped proves nothing. LUCINE_TESTS_OFFLINE=1, for
machines where nothing can be installed, skips instead.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # a person's path may lack the administrator's programs
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
DISK_BYTES = 48 << 20


def need(found: object, what: str) -> None:
    """Go on if it was found."""
    if found:
        return
    if os.environ.get("LUCINE_TESTS_OFFLINE") == "1":
        pytest.skip(f"without {what} (LUCINE_TESTS_OFFLINE=1)")
    pytest.fail(
        f"{what} cannot be had here: run `make test`, or set LUCINE_TESTS_OFFLINE=1 to do without", pytrace=False
    )


def program(name: str) -> str:
    """Where a program is, which the test needs."""
    found = shutil.which(name, path=SYSTEM_PATH)
    need(found, name)
    assert found
    return found


@contextmanager
def loop_disk(folder: Path) -> Iterator[Path]:
    """A small disk of its own, in the image ``folder/disk.img``: a place to write."""
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run([program("mkfs.ext4"), "-q", str(image)], check=True)
    with _mounted(image, folder / "disk") as disk:
        yield disk


@contextmanager
def after_the_cut(folder: Path) -> Iterator[Path]:
    """What a power cut at this moment leaves of ``loop_disk(folder)``. Whoever writes there is frozen before.

    Only what has been forced to the disk is in its image; the rest is still in the kernel's memory. `kill -9`
    would prove nothing: the kernel keeps the pages, and writes them later.
    """
    copy = folder / "copy.img"
    shutil.copyfile(folder / "disk.img", copy)
    with _mounted(copy, folder / "after") as disk:
        yield disk


@contextmanager
def _mounted(image: Path, place: Path) -> Iterator[Path]:
    place.mkdir()
    # The journal is not written by the clock: what nobody forced to the disk within the test never gets there.
    mount = [*AS_ROOT, program("mount"), "-o", "loop,commit=600", str(image), str(place)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    need(done.returncode == 0, f"a loop device that can be mounted ({done.stderr.strip()})")
    try:
        subprocess.run([*AS_ROOT, "chown", str(os.geteuid()), str(place)], check=True)
        yield place
    finally:
        subprocess.run([*AS_ROOT, program("umount"), str(place)], check=True)

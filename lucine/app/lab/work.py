"""The proof of work that a page's script does (signin/proof_of_work.py): challenge in, solution out.

In a process of its own: beside the attackers, in theirs, it would take many times as long as in a browser.
"""

import asyncio
import hashlib
import json
import sys


async def solve(challenge: str) -> dict[str, object]:
    """The solution as the door wants it."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lucine.app.lab.work", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await worker.communicate(challenge.encode())
    solution: dict[str, object] = json.loads(said)
    return solution


def search(challenge: dict[str, str]) -> dict[str, object]:
    """Try one counter after the other until the key begins as it should."""
    nonce, salt = bytes.fromhex(challenge["nonce"]), bytes.fromhex(challenge["salt"])
    cost, length, prefix = int(challenge["cost"]), int(challenge["keyLength"]), challenge["keyPrefix"]
    for counter in range(2**32):
        found = hashlib.pbkdf2_hmac("sha256", nonce + counter.to_bytes(4), salt, cost, length).hex()
        if found.startswith(prefix):
            return {"counter": counter, "derivedKey": found}
    raise ValueError("no counter solves this challenge")


if __name__ == "__main__":
    print(json.dumps(search(json.load(sys.stdin))))

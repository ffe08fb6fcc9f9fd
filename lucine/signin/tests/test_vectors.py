"""Public vectors against the way we verify: joserfc, with our own lists of algorithms (C14, D7, J2)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key

from lucine.signin.clients import ASSERTION_ALGS
from lucine.signin.dpop import ALGS as DPOP_ALGS
from lucine.signin.signing_keys import ALGS as OWN_ALGS

VECTORS = Path(__file__).parent / "vectors"
WYCHEPROOF = json.loads((VECTORS / "json_web_signature_test.json").read_text())
LISTS: dict[str, list[str]] = {"assertions": ASSERTION_ALGS, "proofs": DPOP_ALGS, "our own tokens": list(OWN_ALGS)}


def verified(text: str, key: Any, algorithms: list[str]) -> bytes | None:
    """The payload of a good signature; None for a refusal in the way the rooms expect one."""
    try:
        return jws.deserialize_compact(text, key, algorithms=algorithms).payload
    except (JoseError, ValueError):
        return None


def _cases() -> list[Any]:
    found = []
    for group in WYCHEPROOF["testGroups"]:
        jwk = group.get("public") or group["private"]
        for case in group["tests"]:
            found.append(pytest.param(jwk, case, id=f"{case['tcId']}-{case['comment']}"))
    return found


@pytest.mark.parametrize("kind", LISTS)
def test_wycheproof(kind: str) -> None:
    """Valid and with one of our algorithms: accepted. Everything else: refused."""
    wrong, accepted = [], 0
    for case in _cases():
        jwk, said = case.values
        algorithms = LISTS[kind]
        try:
            key: Any = import_key(jwk)
        except (JoseError, ValueError):
            key = None
        for how in [key, KeySet([key])] if key else []:
            good = said["result"] == "valid" and _alg(said["jws"]) in algorithms
            payload = verified(said["jws"], how, algorithms)
            accepted += payload is not None
            if (payload is not None) != good:
                wrong.append((said["tcId"], said["comment"], said["result"], _alg(said["jws"])))
    assert wrong == []
    assert accepted


def _alg(text: str) -> str:
    try:
        from lucine.safe import tokens

        return str(json.loads(tokens.decode(text.split(".")[0]))["alg"])
    except (ValueError, KeyError, TypeError):
        return ""


COOKBOOK = sorted((VECTORS / "jose-cookbook").glob("*.json"))


@pytest.mark.parametrize("path", COOKBOOK, ids=lambda path: path.stem)
def test_rfc_7520(path: Path) -> None:
    """Section 4: what is compact and has one of our algorithms is accepted, and refused with one bit turned."""
    case = json.loads(path.read_text())
    text = case["output"].get("compact")
    keys = case["input"]["key"]
    if text is None or isinstance(keys, list):
        # 4.6 to 4.8 exist only in the JSON forms, which no door of ours accepts.
        whole = case["output"].get("json_flat") or case["output"]["json"]
        assert (
            verified(json.dumps(whole), import_key(keys[0] if isinstance(keys, list) else keys), ASSERTION_ALGS) is None
        )
        return
    public = {name: value for name, value in keys.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
    key = import_key(public)
    alg = _alg(text)
    for algorithms in LISTS.values():
        detached = re.fullmatch(r"[^.]+\.\.[^.]+", text) is not None  # 4.5: we take no detached content
        good = alg in algorithms and not detached
        payload = verified(text, key, algorithms)
        assert payload == (case["input"]["payload"].encode() if good else None), (alg, algorithms)
        for at in (5, len(text) // 2, len(text) - 5):
            turned = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            assert verified(turned, key, algorithms) is None


def test_all_of_them_are_there() -> None:
    assert len(COOKBOOK) == 8
    assert WYCHEPROOF["numberOfTests"] == len(_cases())

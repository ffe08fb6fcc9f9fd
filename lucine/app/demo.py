"""`lucine demo`: Connect, Cabinet and Espace on this computer, with invented people.

The only things that the demo adds to Connect are made of paper: a page that vouches for an invented
person, as her card would, and one that invites an invented officer. They exist in this module alone.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import Response

from lucine.directory import load_extract, national_id_of, write_sample
from lucine.officer import invite_officer
from lucine.phone.enrolment import make_voucher
from lucine.phone.holders import add_holder, holder_of_number
from lucine.safe import migrate
from lucine.signin.clients import Client, add_client, find_client
from lucine.signin.security_pages import voucher_page
from lucine.web import Door, Visit, anyone, not_found
from lucine.web.pages import redirect
from lucine.web.settings import Settings, read_settings

from .connect import ROOMS, build_connect, open_house
from .demo_days import answer_for_all, live_through

PROFESSIONALS = 2000
SEED = 1
READY_SECONDS = 60.0

# The cast of the tests and of the README: three invented midwives.
PEOPLE = {
    "ana": ("99700999917", "MERIDIENTEST", "Ana", "Nantes", "44000"),
    "bea": ("99700999925", "AURORETEST", "Béa", "Nantes", "44000"),
    "carl": ("99700999933", "COULISSETEST", "Carl", "Lyon", "69003"),
}


async def show_card(visit: Visit, _: None) -> Response:
    """The invented card of an invented person vouches for the phone that scans this page."""
    person = PEOPLE.get(visit.request.path_params["person"])
    holder = await holder_of_number(visit.house.db, national_id_of(person[0]) or "") if person else None
    if holder is None:
        raise not_found("no such invented person")
    async with visit.house.db.transaction() as db:
        voucher = await make_voucher(db, visit.now, visit.house.keys, holder=holder.id, kind="card")
    return voucher_page(visit, voucher, voucher, renew=visit.request.url.path)


async def invite(visit: Visit, _: None) -> Response:
    """An invitation of paper for an invented security officer."""
    async with visit.house.db.transaction() as db:
        secret = (await invite_officer(
            db, visit.now, visit.house.keys, name="Olga VIGIETEST", mail="olga@exemple.invalid"
        ))[1]  # fmt: skip
    return redirect(f"/watch/invitation#{secret}")


DOORS = [
    Door(method="GET", path="/demo/officer", guard=anyone, act=invite),
    Door(method="GET", path="/demo/card/{person}", guard=anyone, act=show_card),
    Door(method="POST", path="/demo/card/{person}", guard=anyone, act=show_card),
]


def connect_app() -> Starlette:
    """What granian calls: Connect with the paper card reader."""
    return build_connect(more_doors=DOORS)


def _environment(port: int, folder: Path, allowed: Sequence[str]) -> dict[str, str]:
    return {
        **os.environ,
        "LUCINE_ORIGIN": f"http://localhost:{port}",
        "LUCINE_LISTEN": f"127.0.0.1:{port}",
        "LUCINE_DATABASE": f"sqlite:///{folder}/identity.db",
        "LUCINE_KEYS": f"{folder}/identity.keys",
        "LUCINE_POST": f"folder:{folder}/post",
        "LUCINE_SMS_GATEWAY": "{number}@sms.invalid",
        # Two windows of one computer cannot scan each other: a person pastes the link, and needs longer than a camera.
        "LUCINE_SCAN_AGE_SECONDS": "60",
        "LUCINE_ALLOWED_HOSTS": ",".join((f"localhost:{port + 1}", f"localhost:{port + 2}", *allowed)),
        "LUCINE_LOG_LEVEL": os.environ.get("LUCINE_LOG_LEVEL", "warning"),
    }


def _front_environment(front: str, port: int, offset: int, folder: Path, secret: str) -> dict[str, str]:
    name = f"LUCINE_{front.upper()}"
    return {
        f"{name}_ORIGIN": f"http://localhost:{port + offset}",
        f"{name}_LISTEN": f"127.0.0.1:{port + offset}",
        f"{name}_DATABASE": f"sqlite:///{folder}/care.db",
        f"{name}_KEYS": f"{folder}/care.keys",
        f"{name}_PROVIDER": f"http://localhost:{port}/.well-known/openid-configuration",
        f"{name}_HELP": f"http://localhost:{port}/incident",
        f"{name}_CLIENT_ID": front,
        f"{name}_CLIENT_SECRET": secret,
        f"{name}_LOG_LEVEL": os.environ.get("LUCINE_LOG_LEVEL", "warning"),
    }


def _register(folder: Path) -> Path:
    """A directory file: 2,000 invented professionals, and the cast."""
    path = folder / "PS_LibreAcces_Personne_activite_invente.txt"
    if not path.exists():
        write_sample(path, PROFESSIONALS, SEED)
        with path.open(encoding="utf-8") as file:
            columns = file.readline().rstrip("\n").split("|")[:-1]
        with path.open("a", encoding="utf-8") as file:
            for number, name, first, town, postcode in PEOPLE.values():
                values = _line(number, name, first, town, postcode)
                file.write("|".join(values.get(column, "") for column in columns) + "|\n")
    return path


def _line(number: str, name: str, first: str, town: str, postcode: str) -> dict[str, str]:
    """An invented midwife with her own practice."""
    return {
        "Type d'identifiant PP": "8",
        "Identifiant PP": number,
        "Identification nationale PP": f"8{number}",
        "Code civilité": "M" if first == "Carl" else "MME",
        "Libellé civilité": "Monsieur" if first == "Carl" else "Madame",
        "Nom d'exercice": name,
        "Prénom d'exercice": first,
        "Code profession": "50",
        "Libellé profession": "Sage-Femme",
        "Code catégorie professionnelle": "C",
        "Libellé catégorie professionnelle": "Civil",
        "Code mode exercice": "L",
        "Libellé mode exercice": "Libéral, indépendant, artisan, commerçant",
        "Identifiant technique de la structure": f"R{number}",
        "Raison sociale site": f"CABINET {name}",
        "Numéro Voie (coord. structure)": "1",
        "Code type de voie (coord. structure)": "R",
        "Libellé Voie (coord. structure)": "DES TILLEULS",
        "Bureau cedex (coord. structure)": f"{postcode} {town.upper()}",
        "Code postal (coord. structure)": postcode,
        "Libellé commune (coord. structure)": town,
        "Code secteur d'activité": "SA07",
        "Libellé secteur d'activité": "Cabinet individuel",
    }


async def _furnish(settings: Settings, port: int, folder: Path) -> dict[str, str]:
    """Register the fronts and the cast; the secrets of the fronts."""
    kept = folder / "clients.json"
    secrets: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    async with open_house(settings) as house, house.db.transaction() as db:
        for offset, (front, name) in enumerate((("cabinet", "Cabinet"), ("espace", "Espace")), start=1):
            if await find_client(db, front) is None:
                origin = f"http://localhost:{port + offset}"
                client = Client(
                    id=front, name=f"Lucine {name}", redirect_uris=[f"{origin}/callback"],
                    post_logout_redirect_uris=[f"{origin}/"], logout_uri=f"{origin}/backchannel-logout",
                )  # fmt: skip
                secrets[front] = await add_client(db, time.time(), house.keys, client)
        for person, (number, *_) in PEOPLE.items():
            await add_holder(
                db, time.time(), house.keys, national_id=national_id_of(number) or "",
                mail=f"{person}@exemple.invalid", mobile=f"06000000{len(person):02d}",
            )  # fmt: skip
    kept.write_text(json.dumps(secrets))
    kept.chmod(0o600)
    return secrets


def prepare(port: int, folder: Path, allowed: Sequence[str] = ()) -> dict[str, str]:
    """Everything that the three programs need; their environment. ``allowed``: other hosts that Connect may call."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = _environment(port, folder.resolve(), allowed)
    settings = read_settings(environment)
    if not (folder / "identity.db").exists():
        migrate(settings.database, ROOMS)
        load_extract(settings.database, _register(folder))
    secrets = asyncio.run(_furnish(settings, port, folder))
    for offset, front in enumerate(("cabinet", "espace"), start=1):
        environment.update(_front_environment(front, port, offset, folder.resolve(), secrets[front]))
    return environment


async def _live_through(environment: dict[str, str]) -> None:
    async with open_house(read_settings(environment)) as house:
        await live_through(house)
        await answer_for_all(house)


def start(environment: dict[str, str]) -> list[subprocess.Popen[bytes]]:
    """Connect and the two fronts, each its own process."""
    program = "from lucine.app.serve import {0}; {0}({1})"
    calls = [("serve_demo", ""), ("serve_care", "'cabinet'"), ("serve_care", "'espace'")]
    return [
        subprocess.Popen([sys.executable, "-c", program.format(*call)], env=environment, start_new_session=True)
        for call in calls
    ]


def wait_until_up(origins: list[str], seconds: float = READY_SECONDS) -> None:
    """TimeoutError if one of them does not answer in time."""
    deadline = time.monotonic() + seconds
    for origin in origins:
        while True:
            try:
                with urllib.request.urlopen(f"{origin}/up", timeout=2) as answer:  # noqa: S310
                    if answer.status == 200:
                        break
            except OSError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{origin} does not answer") from None
                time.sleep(0.1)


def run_demo(port: int, folder: Path) -> None:
    """Start, say where everything is, and stop cleanly with Ctrl-C."""
    environment = prepare(port, folder)
    asyncio.run(_live_through(environment))
    programs = start(environment)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        origins = [f"http://localhost:{port + offset}" for offset in range(3)]
        wait_until_up(origins)
        _tell(origins)
        while all(program.poll() is None for program in programs):
            time.sleep(0.5)
        print("A program of the demo has stopped; stopping the others.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopping.")
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait(timeout=15)


def _tell(origins: list[str]) -> None:
    connect, cabinet, espace = origins
    print(f"""
  Connect   {connect}     the sign-in, and each professional's security page ({connect}/security)
  Cabinet   {cabinet}     the midwife's practice
  Espace    {espace}     the patient's record

  Invented people, each with a card that vouches for her phone:""")
    for person, (number, name, first, town, _) in PEOPLE.items():
        print(f"    {first:5} {name:13} RPPS {number}  midwife in {town:7} {connect}/demo/card/{person}")
    print(f"""
  First five minutes:
    1. In one window, narrow like a phone, open {connect}/demo/card/ana,
       choose "Ajouter ce téléphone-ci" and create Ana's key. This window is her phone.
    2. In another window, the desk, open {cabinet} and choose "Se connecter".
    3. "Votre téléphone est une autre fenêtre ?" on the desk: copy the link.
       "Scanner l'écran" on the phone: paste it, approve.

  A security officer watches at {connect}/watch; her invitation: {connect}/demo/officer

  Mail and SMS are written to the demo's folder "post". Ctrl-C stops everything.
""", flush=True)  # fmt: skip

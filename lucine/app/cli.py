"""The command line: `lucine --help`."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from lucine.directory import national_id_of
from lucine.directory.commands import commands as directory_commands
from lucine.officer import invite_officer, list_officers, remove_officer
from lucine.phone.credentials import Device, devices_of
from lucine.phone.enrolment import VOUCHER_SECONDS, make_voucher
from lucine.phone.holders import add_holder, hold_holder, holder_of_number
from lucine.phone.holds import release_enrolments, thaw_credential
from lucine.phone.notices import tell_holder
from lucine.safe import verify_ledger
from lucine.safe.ledger import Break
from lucine.signin.clients import (
    Alg,
    AuthMethod,
    Client,
    add_client,
    change_contact,
    find_client,
    list_clients,
    remove_client,
    rotate_secret,
)
from lucine.signin.evidence import BadEvidence, check_bundle
from lucine.signin.signing_keys import make_keys
from lucine.signin.switch_off import switch_off
from lucine.web import House, Refusal
from lucine.web.settings import list_settings, read_settings

from .connect import open_house
from .serve import serve_care, serve_connect, serve_mtls

main = typer.Typer(no_args_is_help=True, add_completion=True, help="Lucine: sign-in and practice for midwives.")
clients = typer.Typer(no_args_is_help=True, help="The services that sign professionals in.")
phones = typer.Typer(no_args_is_help=True, help="What an operator may do for a holder and her phones.")
officers = typer.Typer(no_args_is_help=True, help="The security officers, who watch at /watch.")
evidence = typer.Typer(no_args_is_help=True, help="The evidence of an alarm, as an officer downloads it.")
keys = typer.Typer(no_args_is_help=True, help="Signing keys.")
ledger = typer.Typer(no_args_is_help=True, help="The tamper-evident ledger.")
bench = typer.Typer(no_args_is_help=True, help="Figures, as JSON lines.")
lab = typer.Typer(no_args_is_help=True, help="The attack lab: what attackers get, measured.")
main.add_typer(directory_commands, name="directory")
main.add_typer(clients, name="client")
main.add_typer(phones, name="phone")
main.add_typer(officers, name="officer")
main.add_typer(evidence, name="evidence")
main.add_typer(keys, name="keys")
main.add_typer(ledger, name="ledger")
main.add_typer(bench, name="bench")
main.add_typer(lab, name="lab")

out = Console()
err = Console(stderr=True)
Result = TypeVar("Result")


def _fail(message: str) -> typer.Exit:
    err.print(message, style="red", markup=False)
    return typer.Exit(1)


def _in_house(act: Callable[[House], Awaitable[Result]]) -> Result:
    """Run an act in an open house; what goes wrong is said in words."""

    async def run() -> Result:
        async with open_house(read_settings()) as house:
            return await act(house)

    try:
        return asyncio.run(run())
    except Refusal as refusal:
        raise _fail(refusal.detail or refusal.words) from None
    except (ValueError, OSError) as error:
        raise _fail(str(error)) from None


def _number(text: str) -> str:
    number = national_id_of(text)
    if number is None:
        raise _fail(f"{text!r} is not an RPPS number (11 digits, or 8 and 11 digits)")
    return number


# Programs


@main.command()
def connect() -> None:
    """Serve Connect: the sign-in, the phone app, the security page."""
    serve_connect(read_settings())


@main.command()
def mtls(
    certificate: Annotated[Path, typer.Option(help="Server certificate (PEM)")],
    key: Annotated[Path, typer.Option(help="Its private key (PEM)")],
    client_ca: Annotated[Path, typer.Option(help="Authorities of the clients' certificates (PEM)")],
    listen: Annotated[str, typer.Option(help="Address and port")] = "127.0.0.1:8443",
) -> None:
    """Serve Connect's back channel with client certificates (RFC 8705), beside `lucine connect`."""
    serve_mtls(read_settings(), certificate, key, client_ca, listen)


@main.command()
def care(front: Annotated[str, typer.Argument(help="cabinet or espace")]) -> None:
    """Serve a front of the care wing."""
    if front not in ("cabinet", "espace"):
        raise _fail("the fronts are cabinet and espace")
    serve_care(front)


@main.command()
def demo(
    port: Annotated[int, typer.Option(help="Connect's port; Cabinet and Espace take the next two")] = 8400,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data")] = Path("var/demo"),
) -> None:
    """Start everything with invented people, on this computer alone."""
    from .demo import run_demo

    run_demo(port, folder)


@main.command()
def settings() -> None:
    """List the settings (environment variables), their defaults and what they are for."""
    table = Table("Variable", "Default", "What it is for")
    for row in list_settings():
        table.add_row(*row)
    out.print(table)


# Clients


@clients.command("add")
def client_add(
    client_id: Annotated[str, typer.Argument(help="The client id")],
    name: Annotated[str, typer.Option(help="What midwives read")],
    redirect: Annotated[list[str] | None, typer.Option(help="Redirect address, exact; several allowed")] = None,
    after_logout: Annotated[list[str] | None, typer.Option(help="Address after logout, exact")] = None,
    logout_uri: Annotated[str, typer.Option(help="Back-channel logout address")] = "",
    auth: Annotated[str, typer.Option(help="client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or none")] = "client_secret_basic",  # noqa: E501
    jwks: Annotated[Path | None, typer.Option(help="File of public keys (JWKS), for private_key_jwt")] = None,
    tls_subject: Annotated[str, typer.Option(help="Certificate subject (RFC 4514), for tls_client_auth")] = "",
    tls_san_dns: Annotated[str, typer.Option(help="Certificate DNS name, for tls_client_auth")] = "",
    subject: Annotated[str, typer.Option(help="pairwise, or psc for Pro Santé Connect's form")] = "pairwise",
    sector: Annotated[str, typer.Option(help="Sector of the pairwise identifier, for several hosts")] = "",
    alg: Annotated[str, typer.Option(help="ES256 or RS256; default LUCINE_SIGNING_ALG")] = "",
    ciba: Annotated[str, typer.Option(help="poll or ping")] = "",
    ping_uri: Annotated[str, typer.Option(help="CIBA notification address, for ping")] = "",
    contact: Annotated[str, typer.Option(help="Mail address of the people who run it, told of attacks")] = "",
    require_par: Annotated[bool, typer.Option(help="Accept pushed requests only")] = False,
    dpop: Annotated[bool, typer.Option(help="Accept DPoP-bound tokens only")] = False,
    signals: Annotated[bool, typer.Option(help="Let it subscribe to Shared Signals")] = False,
) -> None:  # fmt: skip
    """Register a service; prints its secret, once."""
    _choose("auth", auth, list(AuthMethod.__args__))  # type: ignore[attr-defined]
    _choose("subject", subject, ["pairwise", "psc"])
    _choose("ciba", ciba, ["", "poll", "ping"])
    _choose("alg", alg or "ES256", list(Alg.__args__))  # type: ignore[attr-defined]
    client = Client(
        id=client_id, name=name, redirect_uris=redirect or [], post_logout_redirect_uris=after_logout or [],
        auth_method=auth, jwks=json.loads(jwks.read_text()) if jwks else None, tls_subject=tls_subject,  # type: ignore[arg-type]
        tls_san_dns=tls_san_dns, subject=subject, sector=sector, alg=alg or read_settings().signing_alg,  # type: ignore[arg-type]
        ciba=ciba, ping_uri=ping_uri, logout_uri=logout_uri, contact=contact, require_par=require_par, dpop_bound=dpop,  # type: ignore[arg-type]
        signals=signals,
    )  # fmt: skip

    async def act(house: House) -> str:
        async with house.db.transaction() as db:
            return await add_client(db, time.time(), house.keys, client)

    secret = _in_house(act)
    print(json.dumps({"client_id": client_id, **({"client_secret": secret} if secret else {})}))


def _choose(what: str, said: str, allowed: list[str]) -> None:
    if said not in allowed:
        raise _fail(f"--{what} is one of: {', '.join(choice or '(nothing)' for choice in allowed)}")


@clients.command("list")
def client_list() -> None:
    """Every service."""
    table = Table("Id", "Name", "Authentication", "Redirects", "Signals")
    for client in _in_house(lambda house: list_clients(house.db)):
        signals = "yes" if client.signals else ""
        table.add_row(client.id, client.name, client.auth_method, "\n".join(client.redirect_uris), signals)
    out.print(table)


@clients.command("show")
def client_show(client_id: str) -> None:
    """One service, as JSON (never its secret)."""
    found = _in_house(lambda house: find_client(house.db, client_id))
    if found is None:
        raise _fail(f"no client {client_id!r}")
    print(json.dumps(msgspec.structs.asdict(found[0]), indent=2, ensure_ascii=False))


@clients.command("rotate")
def client_rotate(client_id: str) -> None:
    """A new secret; the old one is void at once."""

    async def act(house: House) -> str:
        async with house.db.transaction() as db:
            return await rotate_secret(db, time.time(), house.keys, client_id)

    print(json.dumps({"client_id": client_id, "client_secret": _in_house(act)}))


@clients.command("contact")
def client_contact(
    client_id: str, mail: Annotated[str, typer.Argument(help="Mail address of the people who run it; '' for none")]
) -> None:
    """Whom to write to when a service is attacked."""

    async def act(house: House) -> None:
        async with house.db.transaction() as db:
            await change_contact(db, time.time(), house.keys, client_id, mail)

    _in_house(act)
    print(f"contact of {client_id}: {mail or 'nobody'}")


@clients.command("remove")
def client_remove(client_id: str) -> None:
    """Shut a service out; its tokens die with it."""

    async def act(house: House) -> None:
        async with house.db.transaction() as db:
            await remove_client(db, time.time(), house.keys, client_id)

    _in_house(act)
    print(f"removed {client_id}")


# Phones


@phones.command("holder")
def phone_holder(
    number: str,
    mail: Annotated[str, typer.Option(help="Private mail that the Order keeps of her")] = "",
    mobile: Annotated[str, typer.Option(help="Private mobile that the Order keeps of her")] = "",
) -> None:
    """Register, or renew, a professional's private channels (the registration authority's act)."""

    async def act(house: House) -> None:
        now, before = time.time(), await holder_of_number(house.db, _number(number))
        async with house.db.transaction() as db:
            if before and (mail or mobile):  # to the old addresses: whoever asks for the change may not be her
                await tell_holder(db, now, house.keys, holder=before.id, what="new_channels")
            await add_holder(db, now, house.keys, national_id=_number(number), mail=mail, mobile=mobile)

    _in_house(act)
    print("kept")


@phones.command("voucher")
def phone_voucher(number: str) -> None:
    """Vouch for a professional who stands before you: a link that enrols one phone, once, within 90 seconds."""

    async def act(house: House) -> str:
        async with house.db.transaction() as db:
            holder = await add_holder(db, time.time(), house.keys, national_id=_number(number))
            return await make_voucher(db, time.time(), house.keys, holder=holder.id, kind="operator")

    import segno

    link = f"{read_settings().origin}/phone/#enrol={_in_house(act)}"
    segno.make(link).terminal(compact=True)
    print(link)
    print(f"valid for {VOUCHER_SECONDS} seconds")


@phones.command("off")
def phone_off(number: str) -> None:
    """Switch all phones of a professional off (lost, stolen)."""

    async def act(house: House) -> int:
        holder = await holder_of_number(house.db, _number(number))
        if holder is None:
            return 0
        async with house.db.transaction() as db:
            done = await switch_off(
                db, time.time(), house.keys, house.settings, holder=holder.id, kind="phone",
                why="switched off by an operator",
            )  # fmt: skip
        return len(done.devices)

    print(f"{_in_house(act)} phones switched off, and every session that they opened")


@phones.command("release")
def phone_release(
    number: str,
    thaw: Annotated[
        list[str] | None, typer.Option(help="Id of a phone or passkey that is hers; several allowed")
    ] = None,
) -> None:
    """After an incident, she stands before you: phones may be added again. Lists what is frozen; --thaw lets one go."""

    async def act(house: House) -> list[Device]:
        holder, now = await holder_of_number(house.db, _number(number)), time.time()
        if holder is None:
            return []
        async with house.db.transaction() as db:
            await hold_holder(db, holder.id)
            await release_enrolments(db, now, house.keys, holder=holder.id)
            for credential in thaw or []:
                await thaw_credential(db, now, house.keys, holder=holder.id, credential=credential)
            return [one for one in await devices_of(db, holder.id) if one.frozen_at is not None]

    frozen = _in_house(act)
    print("phones may be added again")
    for one in frozen:  # whose they are she knows, and you do not: somebody may have added one before the incident
        added = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.created_at))
        print(f"frozen: {one.id}  {one.kind}  {one.name}  added {added}")


@phones.command("list")
def phone_list(number: str) -> None:
    """The phones of a professional."""

    async def act(house: House) -> list[Any]:
        holder = await holder_of_number(house.db, _number(number))
        return list(await devices_of(house.db, holder.id, "phone")) if holder else []

    for phone in _in_house(act):
        print(f"{phone.id}  {phone.name}")


# Officers


@officers.command("invite")
def officer_invite(
    name: Annotated[str, typer.Argument(help="Her name, as other officers read it")],
    mail: Annotated[str, typer.Option(help="Where she is told of alarms")],
) -> None:
    """A link by which a new officer makes her passkey: once, within an hour. Hand it to her alone."""

    async def act(house: House) -> tuple[str, str]:
        async with house.db.transaction() as db:
            return await invite_officer(db, time.time(), house.keys, name=name, mail=mail)

    officer, secret = _in_house(act)
    print(f"{read_settings().origin}/watch/invitation#{secret}")
    err.print(f"officer {officer}; the link works once, within an hour")


@officers.command("list")
def officer_list() -> None:
    """Every officer."""
    for officer in _in_house(lambda house: list_officers(house.db, house.keys)):
        invited = "never" if officer.passkeys else "invited, no passkey yet"
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(officer.used_at)) if officer.used_at else invited
        print(f"{officer.id}  {officer.name}  {officer.mail}  {used}")


@officers.command("remove")
def officer_remove(officer: Annotated[str, typer.Argument(help="Her id, as `lucine officer list` shows it")]) -> None:
    """She watches no more, at once: her sessions and her open pages end."""

    async def act(house: House) -> None:
        async with house.db.transaction() as db:
            await remove_officer(db, time.time(), house.keys, officer=officer)

    _in_house(act)
    print(f"removed {officer}")


@evidence.command("verify")
def evidence_verify(
    file: Annotated[Path, typer.Argument(help="The bundle (ZIP)", exists=True, dir_okay=False)],
    jwks: Annotated[Path | None, typer.Option(help="Connect's published keys; without: the key inside")] = None,
) -> None:
    """Check a bundle, offline: whole, unchanged, signed. Without --jwks, compare the printed thumbprint yourself."""
    try:
        checked = check_bundle(file, jwks.read_bytes() if jwks else None)
    except BadEvidence as bad:
        raise _fail(f"this proves nothing: {bad}") from None
    made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(checked.manifest.iat))
    print(
        f"whole and unchanged since {made}: {checked.manifest.kind} {checked.manifest.id!r} of {checked.manifest.iss!r}"
    )
    trust = "one of the keys you gave" if jwks else "the key inside: trust it if Connect publishes this thumbprint"
    print(f"signed with {checked.thumbprint} ({trust})")


# Keys and ledger


@keys.command("rotate")
def keys_rotate(
    now: Annotated[bool, typer.Option("--now", help="Sign with them at once (a key was stolen)")] = False,
) -> None:
    """New signing keys: published now, used in an hour."""

    async def act(house: House) -> None:
        async with house.db.transaction() as db:
            await make_keys(db, time.time(), house.keys, at_once=now)

    _in_house(act)
    print("new keys made")


@ledger.command("verify")
def ledger_verify(
    expect: Annotated[str, typer.Option(help="SEQ:MARK of an earlier run, noted elsewhere")] = "",
) -> None:
    """Read the whole chain; fails at the first line that was changed, removed or moved."""
    noted = None
    if expect:
        seq, _, mark = expect.partition(":")
        if not seq.isdecimal() or not mark:
            raise _fail("--expect is SEQ:MARK, as printed by an earlier run")
        noted = (int(seq), mark)
    try:
        lines, last = _in_house(lambda house: verify_ledger(house.db, house.keys, noted))
    except Break as broken:
        raise _fail(f"the ledger is broken: {broken}") from None
    print(f"{lines} lines, unbroken")
    print(f"note this elsewhere: {lines}:{last}")


# Figures

Quick = Annotated[bool, typer.Option("--quick", help="Smaller N, under 50 seconds")]
Seconds = Annotated[float, typer.Option(help="How long each part runs")]
People = Annotated[int, typer.Option(help="Enrolled professionals")]
Json = Annotated[bool, typer.Option("--json", help="JSON lines (always so)")]


def _print(lines: Iterator[dict[str, Any]]) -> None:
    for line in lines:
        print(json.dumps(line, ensure_ascii=False))
        sys.stdout.flush()


@bench.command("directory")
def bench_directory(lines: int = 2_000_000, quick: Quick = False, json_: Json = False) -> None:
    """Loading and searching the register."""
    from lucine.directory.bench import bench as run

    _print(run(lines=lines, quick=quick))


@bench.command("signin")
def bench_signin(seconds: Seconds = 20, people: People = 0, quick: Quick = False, json_: Json = False) -> None:
    """Complete sign-ins per second, beside the peer."""
    from lucine.app.bench.signin import bench as run

    _print(run(seconds=seconds, people=people, quick=quick))


@bench.command("flood")
def bench_flood(seconds: Seconds = 20, people: People = 1000, quick: Quick = False, json_: Json = False) -> None:
    """Hostile starts absorbed while legitimate sign-ins stay fast."""
    from lucine.app.bench.flood import bench as run

    _print(run(seconds=seconds, people=people, quick=quick))


@bench.command("rings")
def bench_rings(starts: int = 1_500_000, people: People = 1000, quick: Quick = False, json_: Json = False) -> None:
    """Rings caused by hostile starts of every kind."""
    from lucine.app.bench.rings import bench as run

    _print(run(starts=starts, people=people, quick=quick))


@bench.command("phone")
def bench_phone(quick: Quick = False, json_: Json = False) -> None:
    """Bytes that a phone downloads to be ready."""
    from lucine.app.bench.phone import bench as run

    _print(run(quick=quick))


@bench.command("habits")
def bench_habits(timelines: int = 100_000, quick: Quick = False, json_: Json = False) -> None:
    """The incident room's deadlines against a second reckoning, and the time of its papers."""
    from lucine.app.bench.habits import bench as run

    _print(run(timelines=timelines, quick=quick))


# The attack lab


@lab.command("table")
def lab_table(
    goal: Annotated[list[str] | None, typer.Option(help="One goal; several allowed; default all")] = None,
    quick: Quick = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, each as soon as it is known")] = False,
) -> None:
    """Measure the goals and print a line for each figure. A missed goal is a line; a broken one ends with status 1."""
    from lucine.app.lab.evidence import print_table
    from lucine.app.lab.table import GOALS

    for name in goal or []:
        _choose("goal", name, list(GOALS))
    raise typer.Exit(print_table(goal or list(GOALS), quick=quick, as_json=as_json, out=out))


@lab.command("evidence")
def lab_evidence(
    quick: Quick = False, path: Annotated[Path, typer.Option(help="The document")] = Path("docs/evidence.md")
) -> None:
    """Measure every goal and rewrite the evidence."""
    from lucine.app.lab.evidence import write_evidence

    raise typer.Exit(write_evidence(path, quick=quick))


if __name__ == "__main__":
    main()

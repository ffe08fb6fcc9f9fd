"""Goal: a false help desk to whom she reads out everything enrols no phone that can approve.

Oscar knows her number, her mail and her mobile, and she hands him whatever she receives. He tries every door
with the phone that he enrolled, while it waits. Then she cancels, with one of her channels alone, and nothing of
his may remain. Published beside it are two ways that need no code read out: a photograph of her own screen, and a
code that he dictates.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import msgspec

from lucine.app.bench.soft_key import SoftKey
from lucine.app.bench.stage import ACTIVE_PEOPLE, Person, Stage, number_of, staged
from lucine.app.bench.wire import Answer
from lucine.phone.enrolment import new_recovery_codes
from lucine.safe import tokens
from lucine.web import House

from .cast import Desk, Lines, Phone, Service
from .intervals import proportion
from .officer import lenient
from .pace import Pace
from .table import Figure

SEED = 6  # nothing here is left to chance but secrets
TRIALS, QUICK_TRIALS = 200, 60  # each on another person
SECONDS, QUICK_SECONDS = 600.0, 25.0
GUESSES = 5  # as many as one request of codes allows
WAIT_SECONDS = 15.0
LINK = re.compile(r"/cancel\?token=([\w-]+)")
CODE = re.compile(r"\b[0-9A-Z]{8}\b")
READ_OUT = ("mail", "SMS", "mail and SMS", "mail, SMS and recovery codes")
CHANNELS = ("mail", "SMS", "phone")


class Letter(msgspec.Struct, frozen=True):
    """A message that she received. ``channel``: mail or SMS."""

    channel: str
    text: str


def run(quick: bool) -> Iterator[Figure]:
    yield from asyncio.run(
        defraud(QUICK_TRIALS if quick else TRIALS, QUICK_SECONDS if quick else SECONDS)
    )  # fmt: skip


async def defraud(trials: int, seconds: float) -> list[Figure]:
    """Each way of fraud in turn, on one person after the other."""
    usable: dict[str, list[bool]] = {name: [] for name in READ_OUT}
    cancelled: dict[str, list[bool]] = {name: [] for name in CHANNELS}
    handed: dict[str, list[bool]] = {"link": [], "picture": []}
    dictated = list[bool]()
    async with staged(ACTIVE_PEOPLE) as stage, lenient(stage) as house:
        await make_reachable(house)
        lines, letterbox = Lines(stage.port, 4), Letterbox(Path(stage.settings.post.removeprefix("folder:")))
        for turn in Pace("helpdesk", min(trials, len(stage.people)), seconds):
            case = Case(stage, house, lines, letterbox, turn)
            read_out = READ_OUT[turn % len(READ_OUT)]
            usable[read_out].append(await case.read_out(read_out))
            if case.his:
                channels = CHANNELS if case.her_own_is_on else CHANNELS[:2]
                channel = min(channels, key=lambda name: len(cancelled[name]))
                cancelled[channel].append(await case.cancel_by(channel))
            if case.her_own_is_on:
                dictated.append(await case.dictate())
                what = ("link", "picture")[len(dictated) % 2]
                handed[what].append(await case.hand_over(what))
        await lines.close()
    return [
        *(_figure(f"phones that can approve, {name} read out", some, 0,
                  note="while it waits: what nobody cancels within the quarantine is active after it")
          for name, some in usable.items()),
        *(_figure(f"frauds undone by one tap: {name}", some, 1, note="her phone shows it; mail and SMS hold a link")
          for name, some in cancelled.items()),
        _figure("phones that can approve, the link of her own screen sent on within 90 s", handed["link"], 0),
        _figure("phones that can approve, a photograph of her own screen sent on within 90 s", handed["picture"], None,
                note="not a code that can be read out: a picture, on a screen where she signed in less than ten minutes"
                     " ago; every channel is told, with a link that cancels"),
        _figure("sign-ins of Oscar's that she approves by typing a code that he dictates", dictated, None,
                note="she opens the app, types his service's code and approves what she reads"),
    ]  # fmt: skip


def _figure(name: str, seen: list[bool], target: int | None, note: str = "") -> Figure:
    """``target``: 0 for never, 1 for always, as a share; None to publish only."""
    low, high = proportion(sum(seen), len(seen))
    scale = len(seen) if target == 0 else 100
    met = None if target is None else all(seen) if target else not any(seen)
    return Figure(
        goal="helpdesk", name=name, value=sum(seen) / len(seen) * scale, low=low * scale, high=high * scale,
        n=len(seen), seed=SEED, target={0: "0", 1: "100 %", None: ""}[target], met=met,
        unit="phones" if target == 0 else "%", note=note,
    )  # fmt: skip


async def make_reachable(house: House) -> None:
    """Everybody who is enrolled has a private mail and mobile."""
    sealed = []
    for row in await house.db.all("SELECT id, national_id FROM phone_holders"):
        mail, mobile = (
            house.keys.seal(f"phone_holders.{channel}.{row['id']}", address.encode())
            for channel, address in zip(("mail", "mobile"), channels(row["national_id"]), strict=True)
        )
        sealed.append({"id": row["id"], "mail": mail, "mobile": mobile})
    async with house.db.transaction() as db:
        await db.many("UPDATE phone_holders SET mail = :mail, mobile = :mobile WHERE id = :id", sealed)


def channels(number: str) -> tuple[str, str]:
    """Mail and mobile of the invented professional with this number."""
    return f"p{number[-6:]}@exemple.invalid", f"0600{number[-6:]}"


class Case:
    """One person and what Oscar makes of her. ``his``: the phone of his that waits in quarantine."""

    def __init__(self, stage: Stage, house: House, lines: Lines, letterbox: "Letterbox", index: int) -> None:
        self.stage, self.house, self.lines, self.letterbox = stage, house, lines, letterbox
        self.number = number_of(index)
        self.channels = channels(self.number)
        self.hers = Phone(lines, stage.people[index])
        self.his: Phone | None = None
        self.her_own_is_on = True

    async def read_out(self, what: str) -> bool:
        """Oscar asks for codes and is told what she receives; whether he gets a phone that can approve."""
        caller = Desk(self.lines)
        if "recovery" in what:  # he has hers switched off, so that it shows her nothing
            await self._report_lost(caller)
        asked = {"number": self.number, "mail": self.channels[0], "mobile": self.channels[1]}
        request = (await caller.post("/phone/api/codes", asked)).json()["request"]
        letters = await self._letters(lambda letter: bool(CODE.search(letter.text)), 2)
        told = {letter.channel: CODE.findall(letter.text)[0] for letter in letters if letter.channel in what}
        for _ in range(1 if len(told) == 2 else GUESSES):
            codes = {"mail": tokens.new_code(8), "SMS": tokens.new_code(8)} | told
            said = {"request": request, "mail_code": codes["mail"], "sms_code": codes["SMS"]}
            checked = await caller.post("/phone/api/codes/check", said)
            if checked.status == 200:
                self.his = await self._enrol(caller, checked.json()["voucher"])
                return await self._can_approve(self.his)
        return False

    async def _report_lost(self, caller: Desk) -> None:
        async with self.house.db.transaction() as db:
            codes = await new_recovery_codes(db, time.time(), self.house.keys, holder=self.hers.person.holder)
        await caller.post_form("/lost", {"code": codes[0]})
        self.her_own_is_on = (await self.hers.get("me")).status == 200
        assert not self.her_own_is_on

    async def _enrol(self, caller: Desk, voucher: str) -> Phone:
        begun = await caller.post("/phone/api/enrolments/options", {"voucher": voucher})
        assert begun.status == 200, begun.body
        key = SoftKey(self.stage.settings.origin)
        body = {"voucher": voucher, "credential": key.create(begun.json()["options"]), "name": "Téléphone"}
        done = await caller.post("/phone/api/enrolments", body)
        assert done.status == 200, done.body
        return Phone(self.lines, Person(self.hers.person.holder, caller.cookies["__Host-phone"], key))

    async def _can_approve(self, his: Phone) -> bool:
        """Whether his phone opens anything: a scan of his own screen, what waits, a typed code, an approval."""
        desk = Desk(self.lines)
        await desk.open()
        if (await his.sign_in(desk)).status == 200:
            return True
        others = [
            await his.get("waiting"), await his.get("history"), await his.post("fallback", {}),
            await his.post(f"asks/{desk.facts['ask']}/approve", {"credential": {"id": "none"}}),
        ]  # fmt: skip
        return any(answer.status == 200 for answer in others)

    async def cancel_by(self, channel: str) -> bool:
        """She undoes it with this channel alone, by one tap. Whether nothing of his remains, and hers is as it was."""
        assert self.his
        if channel == "phone":
            pending = (await self.hers.get("me")).json()["pending"]
            done = [await self.hers.post(f"pending/{phone['id']}/cancel", {}) for phone in pending]
        else:
            letters = await self._letters(lambda said: said.channel == channel and bool(LINK.search(said.text)), 1)
            done = [await self._tap(LINK.findall(letter.text)[0]) for letter in letters]
        right = len(done) == 1 and done[0].status == 200 and (await self.his.get("me")).status == 401
        return right and ((await self.hers.get("me")).status == 200) == self.her_own_is_on

    async def _tap(self, token: str) -> Answer:
        """The page that the link opens has one button."""
        desk = Desk(self.lines)
        shown = await desk.get(f"/cancel?token={token}")
        assert shown.body.count(b'data-action="cancel"') == 1, shown.body
        return await desk.post_form("/cancel", {"token": token})

    async def dictate(self) -> bool:
        """Oscar's service asks for her by number, and he reads her the code of his screen to type."""
        service = Service(self.stage, self.lines)
        started = (await service.ask_by_number(self.number)).json()
        carried = await self.hers.post("waiting", {"code": started["screen_code"]})
        if carried.status != 200 or (await self.hers.approve(carried.json())).status != 200:
            return False
        return (await service.fetch(started["auth_req_id"])).status == 200

    async def hand_over(self, what: str) -> bool:
        """She signs in to her security page, makes a code for a new phone, and sends him link or picture at once."""
        desk = Desk(self.lines)
        await desk.open("/security")
        assert (await self.hers.sign_in(desk)).status == 200
        shown = await desk.post_form("/security/phones/voucher", {})
        # The picture holds what the button for this very phone holds.
        where = {"link": r'id="voucher-link"[^>]*#enrol=([\w-]+)', "picture": r'href="[^"]*#enrol=([\w-]+)'}[what]
        (voucher,) = re.findall(where, shown.body.decode())
        return await self._can_approve(await self._enrol(Desk(self.lines), voucher))

    async def _letters(self, wanted: Callable[[Letter], bool], least: int) -> list[Letter]:
        """What she received, of those wanted, once there are so many."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            letters = [letter for to in self.channels for letter in self.letterbox.of(to) if wanted(letter)]
            if len(letters) >= least:
                return letters
            assert time.monotonic() < until, f"{len(letters)} of {least} letters came"
            await asyncio.sleep(0.02)


class Letterbox:
    """The folder into which the stage's mail and SMS go, each letter read once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._read = folder, set[str]()
        self._letters: dict[str, list[Letter]] = {}

    def of(self, address: str) -> list[Letter]:
        """Oldest first."""
        for name in sorted({path.name for path in self._folder.glob("[!.]*")} - self._read):
            self._read.add(name)
            to, letter = _read(self._folder / name)
            self._letters.setdefault(to, []).append(letter)
        return self._letters.get(address, [])


def _read(path: Path) -> tuple[str, Letter]:
    """To whom, and the letter."""
    if path.suffix == ".eml":
        letter = message_from_bytes(path.read_bytes(), policy=policy.default)
        return str(letter["To"]), Letter("mail", letter.get_content())
    to, _, text = path.read_text().partition("\n\n")
    return to.removeprefix("To: "), Letter("SMS", text)

"""What the tests of the cards share: Ana at home, and the card that she sees."""

from typing import Any

from tests.world import ORIGIN, Desk, Phone, Service, World

NUMBER = "99700999917"


async def at_home(world: World, *, keep: bool = False) -> tuple[Desk, Phone, Service]:
    """Ana signed in to the service at her desk, with her only phone."""
    desk, phone, service = world.desk(), await world.phone("ana"), await world.service()
    await world.sign_in(desk, phone, service, keep=keep)
    return desk, phone, service


async def card_on(phone: Phone) -> Any:
    """What her phone is told to show; None for nothing."""
    answer = await phone.http.get("/habits/card")
    assert answer.status_code == 200, answer.text
    return answer.json()["card"]


async def shown_on(phone: Phone) -> str | None:
    card = await card_on(phone)
    return card["name"] if card else None


async def with_two_phones(world: World, *, keep: bool = False) -> tuple[Desk, Phone, Service]:
    """Ana at home, who has just added a second phone."""
    desk, phone, service = await at_home(world, keep=keep)
    world.clock.pass_by(1)
    await world.phone("ana")
    return desk, phone, service


async def close(phone: Phone, card: str) -> None:
    answer = await phone.http.post(f"/habits/card/{card}/close", json={}, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()) == (200, {})


async def settle(phone: Phone, *expected: str) -> None:
    """Close what is shown, after which only what happens from now on is shown within a day."""
    card = await shown_on(phone)
    assert card
    assert not expected or card in expected
    await close(phone, card)
    assert await shown_on(phone) is None
    phone.world.clock.pass_by(1)


async def try_number(world: World) -> None:
    """A stranger's browser names Ana to the service."""
    answer = await world.browser().get("/auth", params={
        "client_id": "service", "redirect_uri": "https://service.test/callback", "response_type": "code",
        "scope": "openid", "state": "s", "login_hint": NUMBER, "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
    })  # fmt: skip
    assert answer.status_code == 303, answer.text

"""What reaches her mailbox and her mobile is text, not HTML."""

import pytest

from lucine.web.pages import text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_notice_has_no_entity_and_no_sign_that_makes_a_text_message_longer(language: str) -> None:
    link = "https://connect.test/cancel?token=a&b"
    said = text(language, "phone/notices/new_phone.txt", channel="mobile", link=link, usable_at=0.0, waits=False)
    assert link in said
    assert not {sign for sign in ("&#", "&amp;", "\u2019", "\u00a0") if sign in said}

"""English says everything that French says."""

import re

import pytest
from babel.messages.pofile import read_po

from .catalogue import PO, collect

COLLECTED = collect()


def _placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\((\w+)\)s", text))


def test_the_catalogue_has_every_sentence_and_no_other() -> None:
    with PO.open("rb") as file:
        known = {message.id for message in read_po(file) if message.id}
    assert known == set(COLLECTED), "renew it: python -m tests.catalogue, then translate what is empty"


def test_every_sentence_is_translated_with_its_placeholders() -> None:
    with PO.open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    assert len(messages) > 300
    for message in messages:
        pairs = zip(message.id, message.string, strict=True) if message.pluralizable else [(message.id, message.string)]
        for french, english in pairs:
            assert english, french
            assert _placeholders(french) == _placeholders(english), french


@pytest.mark.parametrize("jargon", ["OpenID", "token", "WebAuthn", "OAuth", "client_id", "cookie", "QR"])
def test_people_read_no_jargon(jargon: str) -> None:
    sentences = [text for message in COLLECTED for text in ([message] if isinstance(message, str) else message)]
    assert [sentence for sentence in sentences if re.search(rf"\b{jargon}\b", sentence)] == []

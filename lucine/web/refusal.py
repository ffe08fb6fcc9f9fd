"""One refusal, two audiences: words for the person, a detail for the log."""


class Refusal(Exception):
    """A request that is not granted; nothing was changed.

    ``code`` is the protocol's error (RFC 6749 section 5.2, CIBA section 13 ...), ``words`` a French
    sentence of the catalogue that says what to do, ``detail`` what support finds in the log.
    """

    def __init__(
        self,
        code: str,
        words: str,
        detail: str = "",
        *,
        status: int = 400,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or code)
        self.code, self.words, self.detail, self.status, self.headers = code, words, detail, status, headers or {}

    @property
    def description(self) -> str:
        """The detail for a client, in the characters that RFC 6749 section 5.2 allows."""
        return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in self.detail)


def not_found(detail: str = "") -> Refusal:
    """What exists and is not yours looks like what does not exist."""
    return Refusal("not_found", "Cette page n'existe pas, ou n'existe plus.", detail, status=404)

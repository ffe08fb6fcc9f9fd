"""Cookies that only this origin reads and no script sees (``__Host-``, HttpOnly, Secure)."""

from starlette.responses import Response


def set_cookie(answer: Response, name: str, value: str, *, seconds: int | None = None, strict: bool = False) -> None:
    """Set ``__Host-name``; without ``seconds`` it goes when the browser closes."""
    answer.set_cookie(
        f"__Host-{name}",
        value,
        max_age=seconds,
        secure=True,
        httponly=True,
        samesite="strict" if strict else "lax",
        path="/",
    )


def drop_cookie(answer: Response, name: str) -> None:
    """Have the browser forget ``__Host-name``."""
    set_cookie(answer, name, "", seconds=0)

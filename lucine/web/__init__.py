"""Requests, forms, pages, languages and the guarded way out. It never decides who may do what."""

from . import cookies
from .doors import Door, anyone, routes
from .pages import json_answer, page, redirect
from .refusal import Refusal, not_found
from .visit import House, Visit

__all__ = [
    "Door",
    "House",
    "Refusal",
    "Visit",
    "anyone",
    "cookies",
    "json_answer",
    "not_found",
    "page",
    "redirect",
    "routes",
]

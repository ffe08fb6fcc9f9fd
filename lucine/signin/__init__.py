"""The OpenID Provider: clients, starts, sessions, grants and the security page. It never asks for a number."""

from . import chores, ciba, clients, deliveries, discovery, doors, grants, sessions, signing_keys, starts

__all__ = [
    "chores",
    "ciba",
    "clients",
    "deliveries",
    "discovery",
    "doors",
    "grants",
    "sessions",
    "signing_keys",
    "starts",
]

"""Lucine: a digital practice for midwives, on a sign-in that a public number cannot attack."""

"""Which browsers are known, and what strangers tried. It convicts nobody and never stops the owner."""

from . import browser_name, browsers, place, tries

__all__ = ["browser_name", "browsers", "place", "tries"]

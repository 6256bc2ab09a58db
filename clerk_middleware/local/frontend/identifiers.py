"""What an e-mail address and a username that somebody types have to look like."""

from __future__ import annotations

import re

__all__ = ["ADDRESS", "USERNAME"]

#: Parts of no more than 64 characters each, and at least one dot after the @.
ADDRESS = re.compile(r"[^@\s,;:<>()\[\]\\\"]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
USERNAME = re.compile(r"[A-Za-z0-9_-]{4,64}")

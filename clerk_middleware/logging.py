"""The logger. What is logged is never a token, a cookie or a key."""

from __future__ import annotations

import logging

logger = logging.getLogger("clerk_middleware")

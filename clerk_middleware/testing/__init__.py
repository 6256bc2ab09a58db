"""For tests of an application: tokens that verify, with no Clerk account, network or patching.

Needs no extra and no framework. Test clients of frameworks are made of it; `clerk_middleware.local` is an
embedded Clerk, for tests that need more than tokens.
"""

from __future__ import annotations

from .backend import MemoryBackend
from .signer import SessionSigner
from .webhooks import SignedWebhook, signed_webhook

__all__ = ["MemoryBackend", "SessionSigner", "SignedWebhook", "signed_webhook"]

"""For tests of an application: session tokens that verify, with no Clerk account, network or patching.

Needs no extra and no framework. Test clients of frameworks are made of it; `clerk_middleware.local` is an
embedded Clerk, for tests that need more than tokens.
"""

from __future__ import annotations

from .signer import SessionSigner

__all__ = ["SessionSigner"]

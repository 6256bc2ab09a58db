"""A Content Security Policy and its companions, for an application whose users sign in with Clerk."""

from collections.abc import Mapping
from typing import Final

from clerk_middleware import CSP

#: What belongs on every answer besides.
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
#: What Clerk needs, and what this application adds: for `ClerkConfig.content_security_policy`.
#: It is strict: a script runs if it has the nonce of the page, which every template is given.
CONTENT_SECURITY_POLICY: Final = CSP(strict=True, directives={"img-src": "data:", "frame-ancestors": "none"})

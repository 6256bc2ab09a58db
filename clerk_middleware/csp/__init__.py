"""Content Security Policy: what a browser may load, for pages that use Clerk.

https://www.w3.org/TR/CSP3/ and https://clerk.com/docs/guides/secure/best-practices/csp-headers
"""

from .options import CSP
from .response import ResponsePolicy

__all__ = ["CSP", "ResponsePolicy"]

"""The Frontend API proxy: Clerk's Frontend API at a path of the application's own.

``asgi.py`` and ``wsgi.py`` pass requests on; what they share, and what decides, is in the other modules
and does no I/O. https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi
"""

from .options import FrontendAPIProxy

__all__ = ["FrontendAPIProxy"]

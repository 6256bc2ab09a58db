"""How often REST framework's requests may come; `clerk_middleware_django.drf` has it.

https://www.django-rest-framework.org/api-guide/throttling/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.throttling import UserRateThrottle

from clerk_middleware import MachineAuth

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class ClerkRateThrottle(UserRateThrottle):
    """`UserRateThrottle`, at its rate (``user``), which counts whom machines' tokens are of, too.

    The API keys of a user or an organization are counted as one, and so are a machine's tokens, and the OAuth
    tokens of one user: nobody gets more by making more of them. REST framework's own throttles take machines
    for visitors that are not signed in, `AnonRateThrottle` included, and count them by IP address.
    """

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        auth: object = request.auth
        if not isinstance(auth, MachineAuth):
            return super().get_cache_key(request, view)
        return self.cache_format % {"scope": self.scope, "ident": f"{auth.token_type}_{auth.subject}"}

"""Django REST framework: who is signed in, and what a view requires.

REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["clerk_middleware_django.drf.ClerkAuthentication"]}

class Teams(APIView):
    permission_classes = [HasPermission("org:teams:manage")]

    def get(self, request: Request) -> Response:
        return Response({"user": request.auth.user_id})

`HasScope` and `HasToken` let machines in: see `ClerkAuthentication` for who they are then.
"""

from .rest_authentication import ClerkAuthentication, ClerkUser
from .rest_permissions import (
    HasFeature,
    HasPermission,
    HasPlan,
    HasReverification,
    HasRole,
    HasScope,
    HasToken,
    IsSignedIn,
    Protect,
)
from .rest_refusals import ClerkRefused
from .rest_throttling import ClerkRateThrottle

__all__ = [
    "ClerkAuthentication",
    "ClerkRateThrottle",
    "ClerkRefused",
    "ClerkUser",
    "HasFeature",
    "HasPermission",
    "HasPlan",
    "HasReverification",
    "HasRole",
    "HasScope",
    "HasToken",
    "IsSignedIn",
    "Protect",
]

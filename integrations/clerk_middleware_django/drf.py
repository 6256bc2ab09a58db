"""Django REST framework: who is signed in, and what a view requires.

REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["clerk_middleware_django.drf.ClerkAuthentication"]}

class Teams(APIView):
    permission_classes = [HasPermission("org:teams:manage")]

    def get(self, request: Request) -> Response:
        return Response({"user": request.auth.user_id})
"""

from .rest_authentication import ClerkAuthentication, ClerkUser
from .rest_permissions import (
    ClerkRefused,
    HasFeature,
    HasPermission,
    HasPlan,
    HasReverification,
    HasRole,
    IsSignedIn,
    Protect,
)

__all__ = [
    "ClerkAuthentication",
    "ClerkRefused",
    "ClerkUser",
    "HasFeature",
    "HasPermission",
    "HasPlan",
    "HasReverification",
    "HasRole",
    "IsSignedIn",
    "Protect",
]

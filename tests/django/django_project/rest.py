"""Views of Django REST framework."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response
from rest_framework.views import APIView


class Who(APIView):  # without a docstring, which is what documents describe a view by
    def answer(self, request: Any) -> Any:
        auth = request.auth
        return {"user": str(request.user), "auth": getattr(auth, "user_id", auth)}

    def get(self, request: Any) -> Response:
        return Response(self.answer(request))

    post = get


def view(*permissions: Any, authenticators: Any = None, answer: Any = None, **attributes: Any) -> Any:
    """The same for who has *permissions*."""
    if authenticators is not None:
        attributes["authentication_classes"] = authenticators
    if answer is not None:
        attributes["answer"] = staticmethod(answer)
    return type("Page", (Who,), {"permission_classes": list(permissions), **attributes}).as_view()

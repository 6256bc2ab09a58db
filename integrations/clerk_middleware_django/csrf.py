"""Django's CSRF check, where it did not run: views of REST framework and Ninja are exempt from it.

A browser sends cookies on its own, so an identity that came from one is as good as Django's session,
and is checked as that. The ``Authorization`` header is never sent on its own.

https://docs.djangoproject.com/en/stable/ref/csrf/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.middleware.csrf import CsrfViewMiddleware

from .requests import state_of

if TYPE_CHECKING:
    from django.http import HttpRequest


class _Check(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def csrf_problem(request: HttpRequest) -> str | None:
    """Why Django refuses the request as forged; `None` where it does not, or nothing came from a cookie."""
    state = state_of(request)
    if state is None or not state.is_authenticated or state.token_carrier == "header":
        return None
    check = _Check(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request)
    problem = check.process_view(request, None, (), {})  # type: ignore[arg-type]
    return str(problem) if problem is not None else None

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

    from clerk_middleware import RequestState


class _Check(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def is_beyond_forgery(request: HttpRequest, state: RequestState) -> bool:
    """Whether a page of another site can't have had the browser send *request*.

    A bearer token that is refused counts, too: its client has to learn that, by a 401, and not of CSRF.
    The identity is the token's or nobody's then.
    """
    if state.is_authenticated:
        return state.token_carrier == "header"
    return str(request.META.get("HTTP_AUTHORIZATION", ""))[:7].lower() == "bearer "


def csrf_problem(request: HttpRequest) -> str | None:
    """Why Django refuses the request as forged; `None` where it does not, or nothing came from a cookie."""
    state = state_of(request)
    if state is None or not state.is_authenticated or state.token_carrier == "header":
        return None
    check = _Check(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request)
    problem = check.process_view(request, None, (), {})  # type: ignore[arg-type]
    return str(problem) if problem is not None else None

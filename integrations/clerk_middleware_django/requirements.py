"""Whether a request meets what a view requires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clerk_middleware import AuthorizationError, ConfigurationError, NotAuthorized

from .csrf import csrf_problem
from .middleware_setting import LOGIN_REQUIRED, position
from .refusals import arefuse, refuse
from .requests import get_auth, maps_users, state_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from clerk_middleware.protection import Requirement


def check(request: HttpRequest, requirement: Requirement) -> HttpResponse | None:
    """The response where *requirement* is not met, else `None`."""
    error = _unmet(request, requirement)
    if error is None and _must_be_local(request):
        error = _outsider(request, request.user)
    return refuse(request, error) if error is not None else None


async def acheck(request: HttpRequest, requirement: Requirement) -> HttpResponse | None:
    """`check`, for asynchronous code."""
    error = _unmet(request, requirement)
    if error is None and _must_be_local(request):
        error = _outsider(request, await request.auser())
    return await arefuse(request, error) if error is not None else None


def expect_no_rest_view(view: object) -> None:
    """:raises ConfigurationError: for a view of Django REST framework, which has a way of its own."""
    # They are exempt from Django's CSRF check, which a cookie calls for: see csrf.py.
    if hasattr(view, "authentication_classes") or hasattr(view, "cls"):
        raise ConfigurationError(
            f"{view!r} is a view of Django REST framework: set permission_classes to those of "
            "clerk_middleware_django.drf and authentication_classes to ClerkAuthentication"
        )


def _unmet(request: HttpRequest, requirement: Requirement) -> AuthorizationError | None:
    # A function below REST framework's @api_view gets a request of that framework's own.
    original: HttpRequest = getattr(request, "_request", request)
    state = state_of(original)
    auth = get_auth(original) if state is None else state.to_auth()
    try:
        requirement.check(auth)
    except AuthorizationError as error:
        return error
    # Their views are exempt from Django's check as a whole, not because somebody meant them to be.
    is_of_framework = original is not request or _is_of_ninja(request)
    problem = csrf_problem(original) if is_of_framework else None
    return NotAuthorized(problem, auth=auth) if problem is not None else None


def _is_of_ninja(request: HttpRequest) -> bool:
    view = getattr(request.resolver_match, "func", None)
    return getattr(view, "__module__", "").startswith("ninja.")


def _must_be_local(request: HttpRequest) -> bool:
    """Whether the project lets in none but active local users, by Django's `LoginRequiredMiddleware`.

    It leaves decorated views to their decorators, so that these can answer as they are documented to.
    """
    return maps_users(request) and position(LOGIN_REQUIRED) is not None


def _outsider(request: HttpRequest, user: Any) -> AuthorizationError | None:
    if user.is_authenticated:
        return None
    return NotAuthorized("You have no active account here.", auth=get_auth(request))

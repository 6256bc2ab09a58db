"""Whether a request meets what a view requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async

from clerk_middleware import AuthorizationError, ConfigurationError, MachineAuth, NotAuthorized

from .csrf import csrf_problem
from .middleware_setting import LOGIN_REQUIRED, position
from .refusals import arefuse, refuse
from .requests import get_auth, maps_users, state_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from clerk_middleware import Auth
    from clerk_middleware.protection import Requirement


def check(request: HttpRequest, requirement: Requirement) -> HttpResponse | None:
    """The response where *requirement* is not met, else `None`."""
    error = _unmet(request, requirement)
    if error is None and _must_be_local(request):
        auth = get_auth(request)
        if isinstance(auth, MachineAuth):
            is_local = has_local_user(request, auth)
        else:
            is_local = request.user.is_authenticated
        error = None if is_local else outsider(auth)
    return refuse(request, error) if error is not None else None


async def acheck(request: HttpRequest, requirement: Requirement) -> HttpResponse | None:
    """`check`, for asynchronous code."""
    error = _unmet(request, requirement)
    if error is None and _must_be_local(request):
        auth = get_auth(request)
        if isinstance(auth, MachineAuth):
            is_local = await sync_to_async(has_local_user)(request, auth)
        else:
            is_local = (await request.auser()).is_authenticated
        error = None if is_local else outsider(auth)
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
    auth = get_auth(original) if state is None else state.to_request_auth()
    try:
        requirement.check(auth)
    except AuthorizationError as error:
        return error
    if original is not request and isinstance(auth, MachineAuth):
        request.auth = auth  # type: ignore[attr-defined]  # who was nobody to REST framework
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


def has_local_user(request: HttpRequest, auth: MachineAuth) -> bool:
    """Whether the user that a machine's token acts for is an active local one, where users are mapped.

    One that acts for none has come in by the view's own word: a machine's, or the API key of an organization.
    """
    if auth.user_id is None or not maps_users(request):
        return True
    from .users import is_active_user  # its models can only be imported once Django's applications are

    return is_active_user(request, auth.user_id)


def outsider(auth: Auth) -> NotAuthorized:
    """The refusal of who is known to Clerk, but not here."""
    return NotAuthorized("You have no active account here.", auth=auth)

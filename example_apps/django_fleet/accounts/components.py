"""Clerk's components, where they are wanted: docs/components.md."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clerk_middleware_django.requests import state_of
from example_apps.fleet.components import Components, components_of


def context(request: HttpRequest) -> dict[str, Any]:
    """A context processor: ``components``, or `None`."""
    return {"components": _components(request)}


@login_not_required
@require_safe
def sign_in(request: HttpRequest, step: str = "") -> HttpResponse:
    """Each step has a path of its own: /sign-in/factor-one; a pending session is sent to /sign-in/tasks."""
    return _page(request, "components/sign_in.html")


@login_not_required
@require_safe
def sign_up(request: HttpRequest, step: str = "") -> HttpResponse:
    return _page(request, "components/sign_up.html")


def _page(request: HttpRequest, template: str) -> HttpResponse:
    if _components(request) is None:
        raise Http404
    return render(request, template)


def _components(request: HttpRequest) -> Components | None:
    state = state_of(request)  # an error page may be for a request that did not get as far
    return None if state is None else components_of(state.config)

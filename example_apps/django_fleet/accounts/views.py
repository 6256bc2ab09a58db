"""Changing the company, without any JavaScript of Clerk's. (To sign out is a form in base.html.)"""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from clerk_middleware_django import ClerkHttpRequest, require_auth


@require_auth
def switch(request: ClerkHttpRequest, org_id: str) -> HttpResponse:
    """`fleet.paths` has this path, so the middleware has switched before this runs."""
    if request.auth.org_id != org_id:
        raise Http404("You are no member of that company.")
    return redirect("dashboard")


def personal(request: ClerkHttpRequest) -> HttpResponse:
    """Says nothing of who may come here: so Django's LoginRequiredMiddleware sees to it."""
    return redirect("dashboard")

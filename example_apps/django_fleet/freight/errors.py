"""Pages for refusals.

clerk_middleware_django answers all of them by itself, in JSON. A project that would rather show a page names
a view in CLERK["AUTHORIZATION_FAILURE_VIEW"]; where that returns None, the answer is the usual one.
"""

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from clerk_middleware import AuthorizationError, NotAuthenticated, ReverificationRequired


def authorization_failure(request: HttpRequest, error: AuthorizationError) -> HttpResponse | None:
    if not is_for_page(request):
        return None
    if isinstance(error, NotAuthenticated):
        return not_authenticated(request)
    if isinstance(error, ReverificationRequired):
        return reverification_required(request)
    if error.status_code == 404:  # protect(): what one may not see does not exist
        return not_found(request)
    return render(request, "forbidden.html", {"required": lacking(error), "problem": error}, status=403)


def lacking(error: AuthorizationError) -> dict[str, str]:
    """What was required, without what the user has.

    Several mixins are one requirement: without this, a driver would read that the company has not booked
    what its administrators use.
    """
    auth, asked = error.auth, error.requirement.asked
    return {name: value for name, value in asked.items() if not auth.has(**{name: value})}  # type: ignore[arg-type]


def not_authenticated(request: HttpRequest) -> HttpResponse | None:
    """A form whose session token expired while the page was open: only a GET can get a new one."""
    if request.method == "GET":
        return None  # redirected to sign-in
    return render(request, "expired.html", {"back": page_before(request)}, status=401)


def reverification_required(request: HttpRequest) -> HttpResponse:
    """Clerk's JavaScript handles the JSON answer in a dialog; without it a page has to ask."""
    back, verify_url = page_before(request), settings.FLEET_VERIFY_URL
    link = f"{verify_url}?{urlencode({'redirect_url': back})}" if verify_url else None
    return render(request, "reverify.html", {"verify_url": link, "back": back}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW."""
    text = "This was not sent by a page of ours."
    if not is_for_page(request):
        return JsonResponse({"detail": text}, status=403)
    return render(request, "problem.html", {"text": text}, status=403)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler403, of Django's own PermissionDenied."""
    text = str(exception.args[0]) if exception and exception.args else "Your account may not do this."
    if not is_for_page(request):
        return JsonResponse({"detail": text}, status=403)
    return render(request, "problem.html", {"text": text}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404."""
    text = str(exception.args[0]) if exception and exception.args else ""
    if isinstance(exception, Resolver404):  # the URL's, and not written for readers
        text = ""
    if not is_for_page(request):
        return JsonResponse({"detail": text or "Not Found"}, status=404)
    return render(request, "not_found.html", {"text": text}, status=404)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler400. Not a template: a host that is not allowed has no identity, either."""
    return HttpResponse("That did not work. Please go back and try again.\n", "text/plain", status=400)


def invalid_form(request: HttpRequest, fields: list[str]) -> HttpResponse:
    """Where a form has no page to be shown on again."""
    text = f"Please go back and check: {', '.join(fields)}."
    return render(request, "problem.html", {"text": text}, status=422)


def is_for_page(request: HttpRequest) -> bool:
    """Whether a person is going to look at the answer."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def page_before(request: HttpRequest) -> str:
    """The page that a form was on, if it is one of ours."""
    before = request.headers.get("referer", "")
    # Before anything parses it: urlsplit() raises for some texts.
    if not url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure()):
        before = reverse("dashboard")
    return urlsplit(request.build_absolute_uri(before))._replace(query="", fragment="").geturl()

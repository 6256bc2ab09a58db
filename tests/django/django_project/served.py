"""A project for a server of its own, with Clerk as the environment says: ``django_project.served:wsgi``."""

from __future__ import annotations

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from clerk_middleware.webhooks import UserEvent

settings.configure(
    SECRET_KEY="only-for-tests",
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "clerk_middleware_django"],
    MIDDLEWARE=[
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.common.CommonMiddleware",
        "clerk_middleware_django.middleware.ClerkMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    ROOT_URLCONF=__name__,
    CLERK={},
)
asgi, wsgi = get_asgi_application(), get_wsgi_application()

from clerk_middleware_django.webhooks import WebhookReceiver  # noqa: E402  # once there are settings

webhooks = WebhookReceiver()
arrived: list[str] = []


@webhooks.on("user.created", "user.updated")
async def remember(event: UserEvent) -> None:
    arrived.append(event.data["id"])


def people(request: HttpRequest) -> HttpResponse:
    return JsonResponse(arrived, safe=False)


urlpatterns = [path("webhooks/clerk", webhooks.view), path("people", people)]

"""Views of the test project. Each kind comes in two, synchronous and asynchronous."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse

from clerk_middleware_django import ClerkHttpRequest


def who(request: ClerkHttpRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.auth.user_id, "org_id": request.auth.org_id})


async def awho(request: ClerkHttpRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.auth.user_id, "org_id": request.auth.org_id})

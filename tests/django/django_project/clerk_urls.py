"""With ``clerk_middleware_django.urls``, which also stand in for the admin's own pages to log in and out."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required, login_required, user_passes_test
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from clerk_middleware_django.views import sign_in, sign_out


@login_required
def members(request: HttpRequest) -> HttpResponse:
    return HttpResponse("members")


@user_passes_test(lambda user: False)
def refusing(request: HttpRequest) -> HttpResponse:
    raise AssertionError("nobody gets here")


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


@login_not_required
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "clerk_links.html")


@login_not_required
async def apage(request: HttpRequest) -> HttpResponse:
    return render(request, "clerk_links.html")


def remember(request: HttpRequest) -> HttpResponse:
    request.session["cart"] = "lorry"
    return HttpResponse()


urlpatterns = [
    path("clerk/", include("clerk_middleware_django.urls")),
    path("members", members),
    path("refusing", refusing),
    path("plain", plain),
    path("page", page),
    path("apage", apage),
    path("remember", remember),
    path("admin/login/", sign_in),
    path("admin/logout/", sign_out),
    path("admin/", admin.site.urls),
]

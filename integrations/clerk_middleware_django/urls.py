"""``path("clerk/", include("clerk_middleware_django.urls"))``: signing in, up and out.

``LOGIN_URL = "clerk:sign-in"`` sends there whom ``login_required``, `LoginRequiredMiddleware` and the
like refuse.
"""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "clerk"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-up/", views.sign_up, name="sign-up"),
    path("sign-out/", views.sign_out, name="sign-out"),
]

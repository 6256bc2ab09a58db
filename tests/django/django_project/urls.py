"""URLs that most tests share; a test of others sets ``ROOT_URLCONF``."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from . import views

urlpatterns = [
    path("who", views.who),
    path("awho", views.awho),
    path("admin/", admin.site.urls),
]

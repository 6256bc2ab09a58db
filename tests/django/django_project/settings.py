"""SQLite by default, or the server that ``DATABASE_URL`` names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import dj_database_url

_HERE = Path(__file__).parent
_SQLITE = Path(tempfile.gettempdir()) / f"clerk_middleware_{os.getpid()}.sqlite3"

SECRET_KEY = "only-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["app.example.com", "testserver"]
ROOT_URLCONF = "django_project.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "drf_spectacular",
    "ninja",
    "clerk_middleware_django",
    "django_project",
    "django_project.people",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "clerk_middleware_django.middleware.ClerkMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clerk_middleware_django.middleware.ClerkUserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clerk_middleware_django.context_processors.clerk",
            ],
        },
    }
]
DATABASES = {
    "default": {
        **dj_database_url.parse(os.environ.get("DATABASE_URL", f"sqlite:///{_SQLITE}")),
        # A file, where tests have several threads: in memory, SQLite does not wait for a lock.
        "TEST": {"NAME": None if "DATABASE_URL" in os.environ else str(_SQLITE)},
    }
}
AUTHENTICATION_BACKENDS = [
    "clerk_middleware_django.backends.ClerkBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["clerk_middleware_django.drf.ClerkAuthentication"],
}
LOGIN_URL = "clerk:sign-in"

# Each test says which Clerk it is about; see conftest.py. No key of these is real.
CLERK = {"SECRET_KEY": "sk_test_unused", "AUTHORIZED_PARTIES": ["https://app.example.com"]}

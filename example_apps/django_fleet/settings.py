"""Settings, from the environment. Start reading at CLERK, then freight/views/pages.py."""

import os
from pathlib import Path

import dj_database_url
from django.core.management.utils import get_random_secret_key

from example_apps.fleet import SHARED_TEMPLATES, STATIC
from example_apps.fleet.headers import CONTENT_SECURITY_POLICY
from example_apps.fleet.machines import OAUTH_RESOURCES, OAUTH_SCOPES
from example_apps.fleet.paths import ORGANIZATION_PATTERNS, PERSONAL_ACCOUNT_PATTERNS

HERE = Path(__file__).resolve().parent

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
# Nothing lasting is signed with it here: a new one at each start will do, of one process.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or get_random_secret_key()
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

# CLERK_SECRET_KEY, CLERK_PUBLISHABLE_KEY, CLERK_AUTHORIZED_PARTIES and CLERK_WEBHOOK_SIGNING_SECRET come from
# the environment, and CLERK_FRONTEND_API_PROXY, where Clerk is reached by this domain. Here is what belongs
# to the code.
CLERK = {
    # Visits to these paths change the active organization.
    "ORGANIZATION_PATTERNS": ORGANIZATION_PATTERNS,
    "PERSONAL_ACCOUNT_PATTERNS": PERSONAL_ACCOUNT_PATTERNS,
    # Any token that a view asks for; a view that says nothing of it lets in people alone.
    "ACCEPTS_TOKEN": "any",
    "OAUTH_RESOURCES": OAUTH_RESOURCES,
    "OAUTH_SCOPES": OAUTH_SCOPES,
    # Whoever Clerk lets in gets a local user, for `request.user`, foreign keys and the admin.
    "CREATE_USERS": True,
    "USER_FIELDS": "example_apps.django_fleet.accounts.clerk.user_fields",
    # What webhooks tell of them is done here, too: see urls.py.
    "SYNC_USERS": True,
    # Scripts need the nonce of their page.
    "CONTENT_SECURITY_POLICY": CONTENT_SECURITY_POLICY,
    # Pages for people in place of the JSON that refuses.
    "AUTHORIZATION_FAILURE_VIEW": "example_apps.django_fleet.freight.errors.authorization_failure",
}
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "clerk_middleware_django.backends.ClerkBackend",  # what the Clerk session permits: user.has_perm("org:…")
    "django.contrib.auth.backends.ModelBackend",  # what the admin gives to staff; nobody has a password here
]
# Where Django itself sends people to sign in: LoginRequiredMiddleware, @login_required and the like.
LOGIN_URL = "clerk:sign-in"
LOGIN_REDIRECT_URL = "dashboard"

#: A page where users prove again who they are, and that returns to ``redirect_url``. Clerk's JavaScript
#: has a dialog instead.
FLEET_VERIFY_URL = os.environ.get("FLEET_VERIFY_URL")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "clerk_middleware_django",
    "example_apps.django_fleet.accounts",
    "example_apps.django_fleet.freight",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "example_apps.django_fleet.freight.security.security_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",  # the admin insists; nobody is signed in by it
    "django.middleware.common.CommonMiddleware",
    "clerk_middleware_django.middleware.ClerkMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clerk_middleware_django.middleware.ClerkUserMiddleware",
    # Whatever says nothing else is for local users; who was made inactive in the admin is none.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CSRF_FAILURE_VIEW = "example_apps.django_fleet.freight.errors.csrf_failure"

ROOT_URLCONF = "example_apps.django_fleet.urls"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates", SHARED_TEMPLATES],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clerk_middleware_django.context_processors.clerk",
                "example_apps.django_fleet.freight.current.workplace",
                "example_apps.django_fleet.accounts.components.context",
            ],
        },
    },
]

# DATABASE_URL=postgres://… for PostgreSQL
DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{HERE / 'fleet.sqlite3'}")}
if DATABASES["default"].get("ENGINE") == "django.db.backends.sqlite3":
    # Wait for another writer at the beginning of a transaction, rather than fail in the middle of it.
    DATABASES["default"].setdefault("OPTIONS", {})["transaction_mode"] = "IMMEDIATE"
# Errors are to be seen, also without DEBUG.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["console"], "level": "ERROR", "propagate": False}},
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATICFILES_DIRS = [STATIC]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

REST_FRAMEWORK = {
    # Clerk's alone: REST framework's own SessionAuthentication knows nobody here.
    "DEFAULT_AUTHENTICATION_CLASSES": ["clerk_middleware_django.drf.ClerkAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["clerk_middleware_django.drf.IsSignedIn"],
    # Says of each call what it requires.
    "DEFAULT_SCHEMA_CLASS": "clerk_middleware_django.spectacular.ClerkAutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fleet",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

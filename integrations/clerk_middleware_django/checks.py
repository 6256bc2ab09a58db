"""System checks: what is wrong with a project's settings, and what to do.

https://docs.djangoproject.com/en/stable/topics/checks/
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks
from django.core.checks import Error, Tags, Warning
from django.urls import NoReverseMatch, reverse

from clerk_middleware import ClerkConfig, ConfigurationError
from clerk_middleware.tokens.classes import is_accepted

from .middleware_setting import CLERK, CLERK_USER, LOGIN_REQUIRED, lineage, position
from .policy_checks import check_policy, is_strict
from .runtime import Clerk
from .settings import given_settings, read
from .template_words import IDENTITY, NONCE, SIGN_IN, SIGN_OUT, SIGN_UP, TemplateWords, django_engines
from .webhook_checks import check_webhooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage
    from django.template.backends.django import DjangoTemplates

_BACKEND = "clerk_middleware_django.backends.ClerkBackend"
_CLERK_PROCESSOR = "clerk_middleware_django.context_processors.clerk"
_DJANGOS_NONCE_PROCESSOR = "django.template.context_processors.csp"
_REQUEST_PROCESSOR = "django.template.context_processors.request"
_INCLUDE = "path('clerk/', include('clerk_middleware_django.urls'))"

# What has to be above what, and what happens otherwise.
_ORDER = {
    "E004": (
        CLERK,
        CLERK_USER,
        "ClerkUserMiddleware is above ClerkMiddleware, which has to find out first who is signed in.",
    ),
    "E005": (
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        CLERK_USER,
        "ClerkUserMiddleware is above AuthenticationMiddleware, which then overwrites request.user.",
    ),
    "E006": (
        "django.middleware.cache.UpdateCacheMiddleware",
        CLERK,
        "UpdateCacheMiddleware is below ClerkMiddleware: it stores pages before they are marked as different "
        "for each user (Vary), and so shows one user's to others.",
    ),
    "E007": (
        CLERK,
        "django.middleware.cache.FetchFromCacheMiddleware",
        "FetchFromCacheMiddleware is above ClerkMiddleware: it answers before the session is checked, also "
        "when that has ended.",
    ),
    "W006": (
        "corsheaders.middleware.CorsMiddleware",
        CLERK,
        "CorsMiddleware is below ClerkMiddleware, whose refusals then lack its headers: a frontend of "
        "another origin can't read them, and its preflight requests may be refused.",
    ),
    "W007": (
        "django.middleware.security.SecurityMiddleware",
        CLERK,
        "SecurityMiddleware is below ClerkMiddleware, which then answers before a request is redirected to "
        "HTTPS, and without the security headers.",
    ),
}


def register() -> None:
    """Have Django run the checks."""
    checks.register(check_settings, Tags.security)
    checks.register(check_middleware, Tags.security)
    checks.register(check_urls, Tags.urls)
    checks.register(check_templates, Tags.templates)
    checks.register(check_webhooks, Tags.urls)
    checks.register(check_policy, Tags.security)


def check_settings(**_: Any) -> list[CheckMessage]:
    """``settings.CLERK``: wrong, or unsafe."""
    try:
        clerk = Clerk.of(*read(given_settings()))
    except ConfigurationError as error:
        hint = "Correct what the message names. Clerk's keys are in its Dashboard, under 'API keys'."
        return [Error(str(error), hint=hint, id="clerk.E001")]
    except Exception as error:
        problem = (
            f"settings.CLERK: {type(error).__name__} where a function that it names is imported: {error}"
        )
        return [Error(problem, hint="Correct the module that the dotted path leads to.", id="clerk.E001")]
    config, options = clerk.config, clerk.options
    if not isinstance(config, ClerkConfig):
        return []  # a function of the request, which there is none of here
    messages: list[CheckMessage] = []
    if options.link_by_verified_email and config.secret_key is None:
        messages.append(
            Error(
                "CLERK['LINK_BY_VERIFIED_EMAIL'] is set without SECRET_KEY, so nobody will be linked: only "
                "what Clerk itself says of an address counts, not a token.",
                hint="Set CLERK['SECRET_KEY'] (or CLERK_SECRET_KEY in the environment).",
                id="clerk.E002",
            )
        )
    is_live = _is_live(config)
    messages += _of_machines(config)
    takes_sessions = is_accepted("session_token", config.accepts_token)
    if takes_sessions and not config.authorized_parties and (is_live or not settings.DEBUG):
        messages.append(
            Warning(
                "CLERK['AUTHORIZED_PARTIES'] is empty, so a token that was issued to another application of "
                "the same Clerk instance, on a subdomain for one, is accepted here.",
                hint="Set it to the origins of your own frontends, such as ['https://example.com'].",
                id="clerk.W001",
            )
        )
    if is_live and settings.DEBUG:
        messages.append(
            Warning(
                "DEBUG is True with the keys of a production instance: error pages show real users' data, "
                "and what is tried out here happens to them.",
                hint="Use the development instance's keys (sk_test_..., pk_test_...), or set DEBUG = False.",
                id="clerk.W002",
            )
        )
    return messages


def _of_machines(config: ClerkConfig) -> Iterator[CheckMessage]:
    if is_accepted("m2m_token", config.accepts_token) and config.machine_id is None:
        yield Warning(
            "CLERK['ACCEPTS_TOKEN'] lets in M2M tokens, and CLERK['MACHINE_ID'] is not set, so one that was "
            "made for another machine of the same Clerk instance can be used here.",
            hint="Set it to this machine's id (mch_...), which is under 'Machines' in Clerk's Dashboard.",
            id="clerk.W011",
        )
    if config.oauth_resources and not is_accepted("oauth_token", config.accepts_token):
        yield Warning(
            "CLERK['OAUTH_RESOURCES'] tells OAuth clients where to get a token, and CLERK['ACCEPTS_TOKEN'] "
            "lets none of theirs in.",
            hint="Add 'oauth_token' to CLERK['ACCEPTS_TOKEN'], or leave OAUTH_RESOURCES out.",
            id="clerk.W012",
        )


def check_middleware(**_: Any) -> list[CheckMessage]:
    """``MIDDLEWARE``: what is missing there, and what stands in an order that does harm."""
    messages = list(_missing())
    for number, (first, second, problem) in _ORDER.items():
        above, below = position(first), position(second)
        if above is not None and below is not None and above > below:
            kind = Error if number.startswith("E") else Warning
            hint = f"In MIDDLEWARE, move {settings.MIDDLEWARE[above]!r} above {settings.MIDDLEWARE[below]!r}."
            messages.append(kind(problem, hint=hint, id=f"clerk.{number}"))
    return messages


def check_urls(**_: Any) -> list[CheckMessage]:
    """``LOGIN_URL``, where it names a view of this package."""
    url = settings.LOGIN_URL
    if not isinstance(url, str) or not url.startswith("clerk:") or _can_reverse(url):
        return []
    problem = f"LOGIN_URL is {url!r}, and there is no such URL: who has to sign in gets an error."
    hint = f"In the project's urlpatterns, add {_INCLUDE}."
    if _can_reverse("clerk:sign-in"):
        hint = "Write 'clerk:sign-in', as the view is called."
    return [Error(problem, hint=hint, id="clerk.E008")]


def check_templates(**_: Any) -> list[CheckMessage]:
    """Templates that use what their engine or the project does not have."""
    can_sign_out, words = _can_reverse("clerk:sign-out"), TemplateWords()
    messages: list[CheckMessage] = []
    for engine in django_engines():
        processors = engine.engine.context_processors
        if can_sign_out and _CLERK_PROCESSOR in processors and _REQUEST_PROCESSOR in processors:
            continue  # nothing is missing, so no file has to be read
        uses = words.first_uses(engine)
        if IDENTITY in uses and _CLERK_PROCESSOR not in processors:
            problem = f"{uses[IDENTITY]} uses {IDENTITY}, which is not defined there: everything is denied."
            messages.append(Warning(problem, hint=_hint(engine, _CLERK_PROCESSOR), id="clerk.W008"))
        have_nonce = _CLERK_PROCESSOR in processors or _DJANGOS_NONCE_PROCESSOR in processors
        if NONCE in uses and not have_nonce and is_strict():
            problem = f"{uses[NONCE]} uses {NONCE}, which is not defined there: its scripts do not run."
            messages.append(Warning(problem, hint=_hint(engine, _CLERK_PROCESSOR), id="clerk.W017"))
        for tag in (SIGN_IN, SIGN_UP):
            if tag in uses and _REQUEST_PROCESSOR not in processors:
                problem = f"{uses[tag]} uses {{% {tag} %}}, which needs the request, and has none."
                messages.append(Warning(problem, hint=_hint(engine, _REQUEST_PROCESSOR), id="clerk.W009"))
        if SIGN_OUT in uses and not can_sign_out:
            problem = f"{uses[SIGN_OUT]} uses {{% {SIGN_OUT} %}}, and the view that signs out has no URL."
            hint = f"In the project's urlpatterns, add {_INCLUDE}."
            messages.append(Warning(problem, hint=hint, id="clerk.W010"))
    return messages


def _missing() -> Iterator[CheckMessage]:
    if position(CLERK) is None:
        yield Error(
            "clerk_middleware_django is installed, but its ClerkMiddleware is not: nobody is ever signed in.",
            hint=f"Add {CLERK!r} to MIDDLEWARE, after Django's SecurityMiddleware.",
            id="clerk.E003",
        )
    if position(CLERK_USER) is None:
        yield from _missing_without_users()
    elif not any(_BACKEND in lineage(path) for path in settings.AUTHENTICATION_BACKENDS):
        yield Warning(
            "ClerkBackend is missing, so user.has_perm() is always False for the permissions of Clerk's "
            "organizations.",
            hint=f"Add {_BACKEND!r} to AUTHENTICATION_BACKENDS.",
            id="clerk.W004",
        )


def _missing_without_users() -> Iterator[CheckMessage]:
    hint = f"Add {CLERK_USER!r} to MIDDLEWARE, after Django's AuthenticationMiddleware"
    with suppress(Exception):  # which check_settings has reported
        _, options = read(given_settings())
        # Webhooks create and link users, too, and need no middleware for it.
        names = () if options.sync_users else ("create_users", "link_by_verified_email")
        for name in (name for name in names if getattr(options, name)):
            problem = f"CLERK[{name.upper()!r}] has no effect without ClerkUserMiddleware."
            yield Warning(problem, hint=f"{hint}, or leave the setting out.", id="clerk.W003")
    if position(LOGIN_REQUIRED) is not None:
        yield Warning(
            "LoginRequiredMiddleware asks for a request.user, and without ClerkUserMiddleware nobody who is "
            "signed in at Clerk is one.",
            hint=f"{hint}; or protect views by CLERK['PROTECTED_ROUTES'] or decorators in its place.",
            id="clerk.W005",
        )


def _is_live(config: ClerkConfig) -> bool:
    has_keys = config.secret_key is not None or config.publishable_key is not None
    return has_keys and not config.is_development


def _can_reverse(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    except Exception:  # the URLs are broken otherwise, which Django says itself
        return True
    return True


def _hint(engine: DjangoTemplates, processor: str) -> str:
    return f"Add {processor!r} to the context_processors of the engine {engine.name!r} in TEMPLATES."

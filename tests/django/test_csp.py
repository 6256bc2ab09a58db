"""The Content Security Policy in Django: on which responses, its nonce, and caches."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.template.response import TemplateResponse
from django.urls import path
from django.views.debug import get_exception_reporter_filter
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers

from clerk_middleware import CSP
from clerk_middleware_django import require_auth
from clerk_middleware_django.context_processors import clerk as clerk_context

from .conftest import Browse

STRICT = CSP(strict=True)
POLICY, NONCE = "Content-Security-Policy", "X-Nonce"

needs_djangos = pytest.mark.skipif(find_spec("django.middleware.csp") is None, reason="Django 6 has it")


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


def by_request(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<script nonce='{request.csp_nonce}'></script>")  # type: ignore[attr-defined]


async def by_request_async(request: HttpRequest) -> HttpResponse:
    return by_request(request)


def by_header(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.headers.get("x-nonce", "none"))


def by_template(request: HttpRequest) -> HttpResponse:
    context = Context({"request": request, **clerk_context(request)})
    return HttpResponse(Template("{% if True %}<script nonce='{{ csp_nonce }}'>{% endif %}").render(context))


def own(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={POLICY: "script-src 'self'"})


def failing(request: HttpRequest) -> HttpResponse:
    raise LookupError("on purpose")


@require_auth
def members(request: HttpRequest) -> HttpResponse:
    return by_request(request)


def later(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "nonce.html")


@pytest.fixture
def strict(clerk_settings: Any) -> None:
    clerk_settings(CONTENT_SECURITY_POLICY=STRICT)


@pytest.fixture(autouse=True)
def urls(routes: Any) -> Any:
    cache.clear()
    kept = cache_page(60)
    routes(
        path("plain", plain),
        path("request", by_request),
        path("arequest", by_request_async),
        path("header", by_header),
        path("template", by_template),
        path("own", own),
        path("failing", failing),
        path("members", members),
        path("kept/plain", kept(plain)),
        path("kept/request", kept(by_request)),
        path("kept/template", kept(later)),
        path("kept/members", kept(members)),
        path("within/plain", require_auth(kept(vary_on_headers("Authorization", "Cookie")(plain)))),
        path("within/request", require_auth(kept(vary_on_headers("Authorization", "Cookie")(by_request)))),
        path("admin/", admin.site.urls),
    )
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def template(settings: Any) -> None:
    engine = dict(settings.TEMPLATES[0], DIRS=[], APP_DIRS=False)
    loaders = [("django.template.loaders.locmem.Loader", {"nonce.html": "<script nonce='{{ csp_nonce }}'>"})]
    apps = "django.template.loaders.app_directories.Loader"
    engine["OPTIONS"] = {**engine["OPTIONS"], "loaders": [*loaders, apps]}
    settings.TEMPLATES = [engine]


def nonce_in(response: Any) -> str:
    found = re.search(r"'nonce-([^']+)'", response.headers[POLICY])
    assert found is not None
    return found[1]


class TestResponses:
    @pytest.mark.parametrize(
        ("page", "status"), [("/plain", 200), ("/missing", 404), ("/members", 401), ("/failing", 500)]
    )
    def test_every_one_has_the_policy(self, strict: None, browse: Browse, page: str, status: int) -> None:
        response = browse(page, raise_request_exception=False)
        assert response.status_code == status
        assert "https://challenges.cloudflare.com" in response.headers[POLICY]
        assert response.headers[NONCE] == nonce_in(response)

    def test_each_has_a_nonce_of_its_own(self, strict: None, browse: Browse) -> None:
        assert len({browse("/plain").headers[NONCE] for _ in range(3)}) == 3

    def test_none_has_it_by_default(self, browse: Browse) -> None:
        headers = browse("/plain").headers
        assert POLICY not in headers
        assert NONCE not in headers

    def test_without_strict_there_is_no_nonce(self, clerk_settings: Any, browse: Browse) -> None:
        clerk_settings(CONTENT_SECURITY_POLICY=CSP())
        response = browse("/header")
        assert "nonce" not in response.headers[POLICY]
        assert response.content == b"none"
        assert NONCE not in response.headers

    def test_a_policy_of_the_views_own_is_amended(self, strict: None, browse: Browse) -> None:
        response = browse("/own")
        assert response.headers[POLICY].startswith("script-src 'self' ")
        assert f"'nonce-{response.headers[NONCE]}'" in response.headers[POLICY]

    def test_a_view_may_return_one_response_to_everybody(
        self, strict: None, routes: Any, browse: Browse
    ) -> None:
        kept = HttpResponse("kept")
        routes(path("kept", lambda request: kept))
        nonces = {nonce_in(browse("/kept")), nonce_in(browse("/kept"))}
        assert len(nonces) == 2
        assert POLICY not in kept.headers

    def test_what_the_browser_has_kept_stays_as_it_is(
        self, strict: None, settings: Any, browse: Browse
    ) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.http.ConditionalGetMiddleware"]
        tag = browse("/plain").headers["etag"]
        response = browse("/plain", headers={"if-none-match": tag})
        assert response.status_code == 304
        assert POLICY not in response.headers
        assert NONCE not in response.headers


class TestNonce:
    @pytest.mark.parametrize("page", ["/request", "/arequest", "/template", "/header"])
    def test_the_page_has_that_of_the_policy(self, strict: None, browse: Browse, page: str) -> None:
        response = browse(page)
        assert nonce_in(response) in response.content.decode()  # type: ignore[attr-defined]

    def test_a_clients_own_header_is_not_believed(self, strict: None, browse: Browse, settings: Any) -> None:
        settings.MIDDLEWARE = [f"{__name__}.looking", *settings.MIDDLEWARE]
        response = browse("/header", headers={"x-nonce": "mine"})
        assert response.content.decode() == nonce_in(response)  # type: ignore[attr-defined]

    def test_django_reports_do_not_show_it(self, strict: None, routes: Any, browse: Browse) -> None:
        seen: dict[str, Any] = {}

        def view(request: HttpRequest) -> HttpResponse:
            seen.update(get_exception_reporter_filter(request).get_safe_request_meta(request))
            return HttpResponse()

        routes(path("", view))
        nonce = nonce_in(browse("/"))
        assert "HTTP_X_NONCE" in seen
        assert nonce not in str(seen)

    def test_a_request_is_not_kept_alive_by_it(self, strict: None, routes: Any, browse: Browse) -> None:
        import gc
        import weakref

        alive: list[Any] = []

        def view(request: HttpRequest) -> HttpResponse:
            nonce = request.csp_nonce  # type: ignore[attr-defined]
            alive.extend((weakref.ref(request), nonce))
            return HttpResponse()

        routes(path("", view))
        browse("/")
        gc.collect()
        assert alive[0]() is None
        assert len(str(alive[1])) > 16


def looking(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        assert request.headers.get("x-nonce") == "mine"
        return get_response(request)

    return middleware


class TestCaches:
    @pytest.mark.parametrize("page", ["/kept/request", "/kept/template"])
    def test_a_page_with_a_nonce_is_made_anew(self, strict: None, browse: Browse, page: str) -> None:
        for _ in range(2):
            response = browse(page)
            assert nonce_in(response) in response.content.decode()  # type: ignore[attr-defined]

    def test_also_below_what_protects_it_and_above(
        self, strict: None, browse: Browse, signed_in: Any
    ) -> None:
        headers = signed_in()
        for page in ("/kept/members", "/within/request"):
            bodies = {browse(page, headers=headers).content for _ in range(2)}  # type: ignore[attr-defined]
            assert len(bodies) == 2

    @pytest.mark.parametrize("page", ["/kept/plain", "/within/plain"])
    def test_one_without_is_kept_and_gets_the_nonce_of_each_request(
        self, strict: None, browse: Browse, page: str, signed_in: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        headers = signed_in()
        first = browse(page, headers=headers)
        assert "Expires" in first.headers
        second = browse(page, headers=headers)
        assert first.headers["Expires"] == second.headers["Expires"]
        assert second.headers[POLICY].count("'nonce-") == 1
        assert nonce_in(first) != nonce_in(second)

    def test_a_cache_of_the_whole_site_keeps_no_nonce(
        self, strict: None, settings: Any, browse: Browse
    ) -> None:
        settings.MIDDLEWARE = [
            "django.middleware.cache.UpdateCacheMiddleware",
            *settings.MIDDLEWARE,
            "django.middleware.cache.FetchFromCacheMiddleware",
        ]
        for _ in range(2):
            response = browse("/plain")
            assert response.headers[POLICY].count("'nonce-") == 1
            assert response.headers[NONCE] == nonce_in(response)


class TestOthers:
    @pytest.mark.django_db
    def test_the_scripts_of_djangos_admin_run(self, strict: None, browse: Browse) -> None:
        response = browse("/admin/login/")
        assert "<script src=" in response.content.decode()  # type: ignore[attr-defined]
        scripts = re.search(r"script-src ([^;]+)", response.headers[POLICY])
        assert scripts is not None
        assert "'self'" in scripts[1]
        assert "strict-dynamic" not in scripts[1]
        assert f"'nonce-{response.headers[NONCE]}'" in scripts[1]
        assert "'strict-dynamic'" in browse("/plain").headers[POLICY]

    def test_of_a_policy_of_the_admins_own_nothing_is_taken(
        self, strict: None, settings: Any, browse: Browse
    ) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.strict_policy"]
        assert "'strict-dynamic'" in browse("/admin/login/").headers[POLICY]

    @needs_djangos
    def test_djangos_policy_is_amended(self, strict: None, settings: Any, browse: Browse) -> None:
        from django.utils.csp import CSP as DJANGOS

        settings.SECURE_CSP = {"default-src": [DJANGOS.SELF], "script-src": [DJANGOS.SELF, DJANGOS.NONCE]}
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.middleware.csp.ContentSecurityPolicyMiddleware",
        ]
        response = browse("/template")
        assert response.headers[POLICY].startswith("default-src 'self'; script-src 'self' ")
        assert f"'nonce-{response.headers[NONCE]}'" in response.headers[POLICY]
        assert response.headers[NONCE] in response.content.decode()  # type: ignore[attr-defined]
        assert "https://challenges.cloudflare.com" in response.headers[POLICY]


def strict_policy(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        response = get_response(request)
        response.headers[POLICY] = "script-src 'strict-dynamic' 'nonce-own'"
        return response

    return middleware

"""The context processor, and the filters and tags of ``{% load clerk %}``."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpRequest
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from clerk_middleware import Authenticator, ClerkConfig, ConfigurationError, SessionAuth
from clerk_middleware.local import LocalClerk
from clerk_middleware_django.context_processors import clerk as clerk_processor
from clerk_middleware_django.requests import clerk_request

from .conftest import SITE, Browse

Change = Callable[..., None]
Headers = dict[str, str]

AUTH = SessionAuth.from_claims(
    {
        "sub": "user_1",
        "org_id": "org_1",
        "org_role": "org:admin",
        "org_permissions": ["org:teams:manage"],
        "v": 2,
        "fea": "o:export,u:dark",
        "pla": "u:pro",
        "o": {"id": "org_1", "rol": "admin", "per": "manage", "fpm": "1"},
    },
    "token",
)


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "django_project.clerk_urls"


def seen(
    path: str = "/page",
    headers: Headers | None = None,
    config: ClerkConfig | None = None,
    **options: Any,
) -> HttpRequest:
    """A request as the middleware passes it on."""
    options.setdefault("HTTP_HOST", "app.example.com")
    request = RequestFactory().get(path, secure=True, headers=headers, **options)
    if config is not None:
        state: Any = Authenticator(config).authenticate_request(clerk_request(request))
        request.auth, request._clerk_state = state.to_auth(), state  # type: ignore[attr-defined]
    return request


@pytest.fixture
def render(config: Callable[..., ClerkConfig]) -> Callable[..., str]:
    """Render a template for a request to *path*."""

    def rendered(text: str, path: str = "/page", *, headers: Headers | None = None, **context: Any) -> str:
        options = context.pop("options", {})
        request = seen(path, headers, config(**options))
        return Template("{% load clerk %}" + text).render(RequestContext(request, context))

    return rendered


def way_back(url: str) -> str:
    return parse_qs(urlsplit(html.unescape(url)).query)["redirect_url"][0]


class TestFilters:
    @pytest.mark.parametrize(
        ("filtered", "is_allowed"),
        [
            ('has_role:"org:admin"', True),
            ('has_role:"admin"', True),
            ('has_role:"org:member"', False),
            ('has_permission:"org:teams:manage"', False),
            ('has_permission:"org:export:manage"', True),
            ('has_feature:"export"', True),
            ('has_feature:"org:export"', True),
            ('has_feature:"user:export"', False),
            ('has_feature:"user:dark"', True),
            ('has_plan:"user:pro"', True),
            ('has_plan:"org:pro"', False),
            ('has_plan:""', False),
            ("has_role:None", False),
            ("has_permission:missing", False),
            ("has_feature:5", False),
            ("has_plan:words", False),
        ],
    )
    def test_say_what_is_allowed(self, filtered: str, is_allowed: bool) -> None:
        template = Template(f"{{% load clerk %}}{{% if auth|{filtered} %}}yes{{% endif %}}")
        context = Context({"auth": AUTH, "words": ["user:pro"]})
        assert template.render(context) == ("yes" if is_allowed else "")
        lazy = Context({"auth": SimpleLazyObject(lambda: AUTH), "words": ["user:pro"]})
        assert template.render(lazy) == ("yes" if is_allowed else "")

    @pytest.mark.parametrize("auth", [None, "", "user_1", 5, object(), {"has": True}])
    @pytest.mark.parametrize("name", ["has_permission", "has_role", "has_feature", "has_plan"])
    def test_allow_nothing_to_what_is_no_identity(self, name: str, auth: object) -> None:
        template = Template(f'{{% load clerk %}}{{{{ auth|{name}:"admin" }}}}')
        assert template.render(Context({"auth": auth})) == "False"
        assert template.render(Context()) == "False"


class TestContextProcessor:
    def test_says_who_is_signed_in(self, config: Callable[..., ClerkConfig], dispatcher: Headers) -> None:
        assert clerk_processor(seen(headers=dispatcher, config=config()))["clerk_auth"].user_id == "user_dev"

    def test_says_nobody_where_no_middleware_saw_the_request(self) -> None:
        assert not clerk_processor(seen())["clerk_auth"]

    @pytest.mark.parametrize("path", ["/page", "/apage"])
    def test_in_views(
        self, path: str, browse: Browse, admin: Headers, dispatcher: Headers, settings: Any
    ) -> None:
        folder = Path(__file__).parent / "django_project" / "clerk_templates"
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [folder]}]
        response: Any = browse(path, headers=admin)
        assert response.content.startswith(b"may see them")
        response = browse(path, headers=dispatcher)
        assert response.content.startswith(b"may not")
        response = browse(path)
        page = response.content.decode()
        assert page.startswith("may not")
        assert 'href="https://accounts.example.com/sign-in?redirect_url=https' in page
        assert 'href="https://accounts.example.com/sign-up?redirect_url=https' in page
        assert 'action="/clerk/sign-out/?next=%2Fplain%3Fa%3D1%26b%3D2"' in page
        assert "csrfmiddlewaretoken" in page


class TestSignInURL:
    @pytest.mark.parametrize(
        ("tag", "page"), [("clerk_sign_in_url", "/sign-in"), ("clerk_sign_up_url", "/sign-up")]
    )
    def test_comes_back_to_this_page(self, tag: str, page: str, render: Callable[..., str]) -> None:
        url = render(f"{{% {tag} %}}", "/page?a=1&b=%C3%A4")
        assert url.startswith(f"https://accounts.example.com{page}?")
        assert way_back(url) == f"{SITE}/page?a=1&b=%C3%A4"

    @pytest.mark.parametrize(
        ("argument", "back"),
        [
            ('"/loads"', "/loads"),
            ('"/loads?page=2&x=%26#top"', "/loads?page=2&x=%26#top"),
            ("where", "/from-the-view"),
            ("missing", "/page?x=1"),
            ('""', "/page?x=1"),
            ('next_page="/loads"', "/loads"),
            ('"https://app.example.com/loads"', "/loads"),
        ],
    )
    def test_comes_back_to_the_argument(self, argument: str, back: str, render: Callable[..., str]) -> None:
        lazy = SimpleLazyObject(lambda: "/from-the-view")
        assert (
            way_back(render(f"{{% clerk_sign_in_url {argument} %}}", "/page?x=1", where=lazy)) == SITE + back
        )

    def test_comes_back_to_another_site_of_the_projects_own(self, render: Callable[..., str]) -> None:
        options = {"authorized_parties": [SITE, "https://spa.example.org"]}
        url = render('{% clerk_sign_in_url "https://spa.example.org/x" %}', options=options)
        assert way_back(url) == "https://spa.example.org/x"

    @pytest.mark.parametrize(
        "evil",
        [
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "\x0b//evil.example",
            "\xa0//evil.example",
            "http:///evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "http://app.example.com/",  # not encrypted, unlike this page
            "https://app.example.com@evil.example/",
            "https://app.example.com:x@evil.example/",
            "https://app.example.com.evil.example/",
            "https://[",
            "https://app.example.com\\@evil.example",
            5,
        ],
    )
    def test_leads_to_no_stranger(self, evil: object, render: Callable[..., str]) -> None:
        back = way_back(render("{% clerk_sign_in_url where %}", "/page", where=evil))
        assert urlsplit(back)[:2] == ("https", "app.example.com")

    def test_carries_no_secret(self, render: Callable[..., str]) -> None:
        query = "?__clerk_db_jwt=dvb_1&a=1&__clerk_handshake_nonce=n&__clerk_handshake=h.h.h"
        headers = {"authorization": "Bearer not.a.token"}  # so that there is no handshake
        assert (
            way_back(render("{% clerk_sign_in_url %}", f"/page{query}", headers=headers))
            == f"{SITE}/page?a=1"
        )
        given = render("{% clerk_sign_in_url where %}", where=f"/loads{query}")
        assert way_back(given) == f"{SITE}/loads?a=1"
        assert "dvb_1" not in given

    def test_carries_the_dev_browser_only_where_redirects_do(self) -> None:
        development = LocalClerk()
        keys = {"publishable_key": development.publishable_key, "secret_key": development.secret_key}
        headers = {"cookie": "__clerk_db_jwt=dvb_1"}
        page = Template("{% load clerk %}{% clerk_sign_in_url %}")

        def url_with(**options: Any) -> str:
            config = ClerkConfig(**keys, authorized_parties=[SITE], **options)
            return str(page.render(RequestContext(seen(headers=headers, config=config), {})))

        assert "__clerk_db_jwt=dvb_1" in url_with()
        assert "dvb_1" not in url_with(sign_in_url="/own-page")

    def test_sends_a_session_with_tasks_to_these(
        self, render: Callable[..., str], signed_in: Callable[..., Headers]
    ) -> None:
        headers = signed_in("user_dev", claims={"sts": "pending"})
        assert "/sign-in/tasks?" in render("{% clerk_sign_in_url %}", headers=headers)

    def test_is_a_variable_if_wanted(self, render: Callable[..., str]) -> None:
        text = '{% clerk_sign_in_url "/loads" as url %}[{{ url }}][{{ url|safe }}]'
        escaped, plain = render(text, options={"sign_in_url": "/in?a=1"})[1:-1].split("][")
        assert "?a=1&amp;redirect_url=" in escaped
        assert "?a=1&redirect_url=" in plain

    @pytest.mark.parametrize(
        "tag", ["clerk_sign_in_url where", "clerk_sign_up_url where", "clerk_sign_out_url where"]
    )
    def test_is_escaped(self, tag: str, render: Callable[..., str]) -> None:
        for evil in ('/"><script>alert(1)</script>', "/'onclick='x", "/<b>&amp;"):
            url = render(f"{{% {tag} %}}", f"/page?{evil}", where=evil, options={"sign_in_url": "/in?<&'\""})
            assert not set("<>\"'") & set(url)

    def test_on_a_page_for_a_request_that_no_middleware_saw(self) -> None:
        page = Template("{% load clerk %}{% clerk_sign_in_url %}")
        assert way_back(page.render(RequestContext(seen("/gone?a=1"), {}))) == f"{SITE}/gone?a=1"

    def test_needs_the_request(self) -> None:
        for tag in ("clerk_sign_in_url", "clerk_sign_up_url"):
            with pytest.raises(ConfigurationError, match=rf"{tag}.*context_processors\.request"):
                Template(f"{{% load clerk %}}{{% {tag} %}}").render(Context())

    def test_needs_to_know_where(self, render: Callable[..., str]) -> None:
        with pytest.raises(ConfigurationError, match="sign_in_url is not set, and without publishable_key"):
            render("{% clerk_sign_in_url %}", options={"publishable_key": None})
        url = render("{% clerk_sign_in_url %}", options={"publishable_key": None, "sign_in_url": "/in"})
        assert url.startswith(f"{SITE}/in?redirect_url=")


class TestSignOutURL:
    def test_is_the_views(self, render: Callable[..., str]) -> None:
        assert render("{% clerk_sign_out_url %}") == "/clerk/sign-out/"
        assert render("{% clerk_sign_out_url missing %}") == "/clerk/sign-out/"
        assert render("{% clerk_sign_out_url '/a?b=1&c' as url %}{{ url }}").endswith(
            "?next=%2Fa%3Fb%3D1%26c"
        )

    def test_needs_no_request(self) -> None:
        assert Template("{% load clerk %}{% clerk_sign_out_url %}").render(Context()) == "/clerk/sign-out/"

    def test_needs_the_view(self, settings: Any, render: Callable[..., str]) -> None:
        settings.ROOT_URLCONF = "django_project.urls"
        with pytest.raises(ConfigurationError, match=r"include\('clerk_middleware_django\.urls'\)"):
            render("{% clerk_sign_out_url %}")

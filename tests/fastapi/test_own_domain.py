"""The Frontend API proxy and the Content Security Policy in a FastAPI application."""

# No postponed annotations: FastAPI could not resolve those of functions within functions.
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import jinja2
import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.templating import Jinja2Templates
from starlette.middleware.gzip import GZipMiddleware

from clerk_middleware import CSP, AsyncAuthenticator, ConfigurationError
from clerk_middleware_fastapi import (
    ClerkMiddleware,
    CSPNonce,
    clerk_context,
    csp_nonce,
    require_auth,
)

from ..frontend_api import FrontendAPI, served_frontend_api, serving

POLICY = "content-security-policy"


@pytest.fixture(scope="module")
def served() -> Iterator[FrontendAPI]:
    with served_frontend_api() as api:
        yield api


@pytest.fixture
def frontend_api(served: FrontendAPI) -> FrontendAPI:
    served.forget()
    return served


class TestTheProxy:
    def test_needs_neither_a_session_nor_a_route(
        self, config: Any, client_of: Any, frontend_api: FrontendAPI
    ) -> None:
        app = FastAPI(dependencies=[Depends(require_auth)])
        app.add_middleware(ClerkMiddleware, config=config(frontend_api_proxy=True, fapi_url=frontend_api.url))
        client = client_of(app)
        answer = client.post("/__clerk/v1/asked?a=1", json={"a": 1})
        assert answer.status_code == 200
        assert answer.json()["method"] == "POST"
        assert app.openapi()["paths"] == {}

    def test_streams_both_ways_and_closes_with_the_application(
        self, config: Any, frontend_api: FrontendAPI
    ) -> None:
        authenticator = AsyncAuthenticator(config(frontend_api_proxy=True, fapi_url=frontend_api.url))

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            async with authenticator:
                yield

        app = FastAPI(lifespan=lifespan)
        app.add_middleware(ClerkMiddleware, authenticator=authenticator)
        app.add_middleware(GZipMiddleware)
        with (
            serving(app) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
        ):
            with client.stream("GET", "/__clerk/v1/events") as answer:
                events = answer.iter_text()
                assert next(events) == "data: first\n\n"
                frontend_api.first_event_was_taken.set()
                assert "".join(events) == "data: second\n\n"
            sent = client.post("/__clerk/v1/asked", content=(b"x" * 1000 for _ in range(3000)))
        assert sent.json()["size"] == 3_000_000

    def test_is_in_a_mounted_application(
        self, config: Any, client_of: Any, frontend_api: FrontendAPI
    ) -> None:
        part, whole = FastAPI(), FastAPI()
        proxying = config(frontend_api_proxy="/part/__clerk", fapi_url=frontend_api.url)
        part.add_middleware(ClerkMiddleware, config=proxying)
        whole.mount("/part", part)
        # Nothing tells a mounted application that the server stops, to close what it keeps.
        answer = client_of(whole).get("/part/__clerk/v1/asked?connection=close")
        assert answer.status_code == 200
        assert frontend_api.headers["clerk-proxy-url"] == "https://app.example.com/part/__clerk"

    def test_is_behind_a_root_path(self, config: Any, client_of: Any, frontend_api: FrontendAPI) -> None:
        app = FastAPI()
        proxying = config(frontend_api_proxy="/api/v1/__clerk", fapi_url=frontend_api.url)
        app.add_middleware(ClerkMiddleware, config=proxying)
        client = client_of(app, root_path="/api/v1")
        assert client.get("/api/v1/__clerk/v1/asked").status_code == 200
        assert frontend_api.headers["clerk-proxy-url"] == "https://app.example.com/api/v1/__clerk"


TEMPLATES = Jinja2Templates(
    env=jinja2.Environment(
        loader=jinja2.DictLoader({"page.html": '<script nonce="{{ csp_nonce }}"></script>{{ clerk_auth }}'}),
        autoescape=True,
    ),
    context_processors=[clerk_context],
)


@pytest.fixture
def pages() -> FastAPI:
    app = FastAPI()

    @app.get("/nonce")
    async def nonce(request: Request, nonce: CSPNonce) -> dict[str, str | None]:
        return {"dependency": nonce, "state": getattr(request.state, "csp_nonce", None)}

    @app.get("/page")
    def page(request: Request, nonce: Annotated[str, Depends(csp_nonce)]) -> Response:
        return TEMPLATES.TemplateResponse(request, "page.html", headers={"x-found": str(nonce)})

    return app


class TestTheNonce:
    def test_is_a_dependency_and_in_templates(self, pages: FastAPI, config: Any, client_of: Any) -> None:
        pages.add_middleware(ClerkMiddleware, config=config(content_security_policy=CSP(strict=True)))
        client = client_of(pages)
        first, second = (client.get("/nonce") for _ in range(2))
        nonce = first.headers["x-nonce"]
        assert first.json() == {"dependency": nonce, "state": nonce}
        assert second.headers["x-nonce"] != nonce
        page = client.get("/page")
        assert page.headers["x-found"] == page.headers["x-nonce"]
        assert f'nonce="{page.headers["x-nonce"]}"' in page.text
        assert f"'nonce-{page.headers['x-nonce']}'" in page.headers[POLICY]

    @pytest.mark.parametrize("csp", [None, CSP()])
    def test_is_empty_without_a_strict_policy(
        self, csp: CSP | None, pages: FastAPI, config: Any, client_of: Any
    ) -> None:
        pages.add_middleware(ClerkMiddleware, config=config(content_security_policy=csp))
        client = client_of(pages)
        assert client.get("/nonce").json() == {"dependency": "", "state": None}
        assert 'nonce=""' in client.get("/page").text

    def test_is_a_mistake_without_the_middleware(self, pages: FastAPI, client_of: Any) -> None:
        with pytest.raises(ConfigurationError, match="ClerkMiddleware did not see this request"):
            client_of(pages).get("/nonce")

    def test_is_not_in_the_document(self, pages: FastAPI) -> None:
        operation = pages.openapi()["paths"]["/nonce"]["get"]
        assert "parameters" not in operation
        assert "security" not in operation

    def test_can_be_overridden(self, pages: FastAPI, config: Any, client_of: Any) -> None:
        pages.add_middleware(ClerkMiddleware, config=config())
        pages.dependency_overrides[csp_nonce] = lambda: "for-tests"
        assert client_of(pages).get("/nonce").json()["dependency"] == "for-tests"


def test_a_strict_policy_is_on_the_documentation_too(pages: FastAPI, config: Any, client_of: Any) -> None:
    """FastAPI's /docs loads scripts of a CDN, and has one without a nonce: strict is for one's own pages."""
    pages.add_middleware(ClerkMiddleware, config=config(content_security_policy=CSP(strict=True)))
    answer = client_of(pages).get("/docs")
    assert "'strict-dynamic'" in answer.headers[POLICY]
    assert "nonce=" not in answer.text

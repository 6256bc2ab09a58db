"""The Content Security Policy of a Starlette application's responses, and the nonce in its templates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jinja2
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.templating import Jinja2Templates

from clerk_middleware import CSP, ConfigurationError
from clerk_middleware_starlette import ClerkMiddleware, clerk_context, csp_nonce, require_auth

POLICY = "content-security-policy"
PAGE = '<script nonce="{{ csp_nonce }}">1</script> {{ clerk_auth.user_id or "nobody" }}'

templates = Jinja2Templates(
    env=jinja2.Environment(loader=jinja2.DictLoader({"page.html": PAGE}), autoescape=True),
    context_processors=[clerk_context],
)


async def page(request: Request) -> Response:
    return templates.TemplateResponse(request, "page.html")


async def nonce(request: Request) -> Response:
    found = csp_nonce(request)
    assert found == getattr(request.state, "csp_nonce", "")
    assert found == request.headers.get("x-nonce", "")
    return PlainTextResponse(found)


async def missing(request: Request) -> Response:
    raise HTTPException(404)


async def broken(request: Request) -> Response:
    raise ValueError("a bug")


@require_auth
async def members(request: Request) -> Response:
    return PlainTextResponse("welcome")


async def on_error(request: Request, error: Exception) -> Response:
    return templates.TemplateResponse(request, "page.html", status_code=getattr(error, "status_code", 500))


ROUTES = [
    Route("/", page),
    Route("/nonce", nonce),
    Route("/missing", missing),
    Route("/broken", broken),
    Route("/members", members),
]


@pytest.fixture
def client(config: Any, client_of: Any) -> Any:
    def make(csp: CSP | None, *, inside: Any = (), outside: Any = (), **options: Any) -> Any:
        clerk = Middleware(ClerkMiddleware, config=config(content_security_policy=csp))
        app = Starlette(routes=ROUTES, middleware=[*outside, clerk, *inside], **options)
        return client_of(app, raise_server_exceptions=False)

    return make


def sources(answer: httpx.Response, directive: str = "script-src") -> list[str]:
    (policy,) = answer.headers.get_list(POLICY)
    return next(words[1:] for words in map(str.split, policy.split(";")) if words[0] == directive)


class TestAStrictPolicy:
    def test_lets_the_scripts_run_that_have_the_request_s_nonce(self, client: Any) -> None:
        answers = [client(CSP(strict=True)).get("/") for _ in range(2)]
        nonces = [answer.headers["x-nonce"] for answer in answers]
        assert nonces[0] != nonces[1]
        for answer, nonce in zip(answers, nonces, strict=True):
            assert answer.text == f'<script nonce="{nonce}">1</script> nobody'
            assert f"'nonce-{nonce}'" in sources(answer)
            assert "'strict-dynamic'" in sources(answer)

    def test_s_nonce_is_in_the_request(self, client: Any) -> None:
        answer = client(CSP(strict=True)).get("/nonce", headers={"x-nonce": "chosen-by-the-client"})
        assert answer.text == answer.headers["x-nonce"]
        assert "chosen" not in answer.text

    def test_is_on_what_the_application_refuses_too(self, client: Any) -> None:
        strict = client(CSP(strict=True))
        assert strict.get("/members").status_code == 401
        assert "'strict-dynamic'" in sources(strict.get("/members"))
        assert "'strict-dynamic'" in sources(strict.get("/missing"))

    def test_has_its_nonce_on_error_pages(self, client: Any) -> None:
        strict = client(CSP(strict=True), exception_handlers={404: on_error})
        answer = strict.get("/missing")
        assert answer.status_code == 404
        assert f'nonce="{answer.headers["x-nonce"]}"' in answer.text


class TestWithoutANonce:
    @pytest.mark.parametrize("csp", [None, CSP()])
    def test_templates_and_code_are_told_so(self, csp: CSP | None, client: Any) -> None:
        assert client(csp).get("/").text == '<script nonce="">1</script> nobody'
        assert client(csp).get("/nonce").text == ""
        assert "x-nonce" not in client(csp).get("/").headers

    def test_the_policy_is_there_if_it_is_configured(self, client: Any) -> None:
        assert "'unsafe-inline'" in sources(client(CSP()).get("/"))
        assert POLICY not in client(None).get("/").headers


class TestWhereTheMiddlewareWasNotAsked:
    def test_an_error_page_is_for_nobody(self, client: Any) -> None:
        class Broken(BaseHTTPMiddleware):
            async def dispatch(self, request: Request, call_next: Any) -> Response:
                return await on_error(request, ValueError())

        answer = client(CSP(strict=True), outside=[Middleware(Broken)]).get("/")
        assert answer.text == '<script nonce="">1</script> nobody'
        assert POLICY not in answer.headers

    def test_a_nonce_in_code_is_a_mistake(self, client_of: Any) -> None:
        with pytest.raises(ConfigurationError, match="ClerkMiddleware did not see this request"):
            client_of(Starlette(routes=ROUTES)).get("/nonce")

    def test_the_page_of_a_server_error_still_has_the_nonce_it_was_made_with(self, client: Any) -> None:
        """Starlette answers such an error outside of every middleware: without the policy."""
        answer = client(CSP(strict=True), exception_handlers={Exception: on_error}).get("/broken")
        assert answer.status_code == 500
        assert answer.text.startswith('<script nonce="')
        assert POLICY not in answer.headers


class TestTheApplicationsOwnPolicy:
    class Own(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            response: Response = await call_next(request)
            response.headers[POLICY] = "script-src 'self'; img-src https://images.example"
            return response

    def test_is_amended_and_not_doubled(self, client: Any) -> None:
        answer = client(CSP(strict=True), inside=[Middleware(self.Own)]).get("/")
        found = sources(answer)
        assert found[0] == "'self'"
        assert f"'nonce-{answer.headers['x-nonce']}'" in found
        assert "https://challenges.cloudflare.com" in found
        assert sources(answer, "img-src") == ["https://images.example", "https://img.clerk.com"]

    def test_outside_of_the_middleware_replaces_it(self, client: Any) -> None:
        answer = client(CSP(strict=True), outside=[Middleware(self.Own)]).get("/")
        assert answer.headers.get_list(POLICY) == ["script-src 'self'; img-src https://images.example"]


class TestResponses:
    @pytest.mark.parametrize("order", ["inside", "outside"])
    def test_that_are_compressed(self, order: str, client: Any) -> None:
        compressing = {order: [Middleware(GZipMiddleware, minimum_size=1)]}
        answer = client(CSP(strict=True), **compressing).get("/")
        assert answer.headers["content-encoding"] == "gzip"
        assert f'nonce="{answer.headers["x-nonce"]}"' in answer.text

    def test_that_stream(self, config: Any, client_of: Any) -> None:
        async def stream(request: Request) -> Response:
            async def pieces() -> AsyncIterator[str]:
                for piece in ("a", csp_nonce(request)):
                    await asyncio.sleep(0)
                    yield piece

            return StreamingResponse(pieces())

        clerk = Middleware(ClerkMiddleware, config=config(content_security_policy=CSP(strict=True)))
        answer = client_of(Starlette(routes=[Route("/", stream)], middleware=[clerk])).get("/")
        assert answer.text == f"a{answer.headers['x-nonce']}"

    def test_of_a_mounted_application_have_one_policy(self, config: Any, client_of: Any) -> None:
        strict = Middleware(ClerkMiddleware, config=config(content_security_policy=CSP(strict=True)))
        part = Starlette(routes=ROUTES)
        answer = client_of(Starlette(routes=[Mount("/part", part)], middleware=[strict])).get("/part/nonce")
        assert answer.text == answer.headers["x-nonce"]
        assert f"'nonce-{answer.text}'" in sources(answer)

    def test_have_the_inner_of_two_middlewares_nonce(self, config: Any, client_of: Any) -> None:
        """Each amends the other's policy: the page's scripts run."""
        strict = Middleware(ClerkMiddleware, config=config(content_security_policy=CSP(strict=True)))
        part = Starlette(routes=ROUTES, middleware=[strict])
        answer = client_of(Starlette(routes=[Mount("/part", part)], middleware=[strict])).get("/part/nonce")
        assert f"'nonce-{answer.text}'" in sources(answer)

    def test_know_who_is_signed_in(self, client: Any, dispatcher: Any) -> None:
        assert client(CSP(strict=True)).get("/", headers=dispatcher).text.endswith("user_dev")

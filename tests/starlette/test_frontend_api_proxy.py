"""The Frontend API at a path of a Starlette application, and everything around it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from clerk_middleware_starlette import ClerkMiddleware

from ..frontend_api import FrontendAPI, served_frontend_api, serving

SPA = "https://spa.example"


class Tagging(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-tagged"] = "yes"
        return response


AROUND = {
    "nothing": [],
    "GZipMiddleware": [Middleware(GZipMiddleware)],
    "BaseHTTPMiddleware": [Middleware(Tagging)],
    "CORSMiddleware": [Middleware(CORSMiddleware, allow_origins=[SPA], allow_methods=["POST"])],
    "all of them": [Middleware(GZipMiddleware), Middleware(Tagging), Middleware(CORSMiddleware)],
}


@pytest.fixture(scope="module")
def served() -> Iterator[FrontendAPI]:
    with served_frontend_api() as api:
        yield api


@pytest.fixture
def frontend_api(served: FrontendAPI) -> FrontendAPI:
    served.forget()
    return served


async def catch_all(request: Request) -> Response:
    return PlainTextResponse("the application's own")


@pytest.fixture
def application(config: Any, frontend_api: FrontendAPI) -> Any:
    def make(*around: Middleware, path: str = "/__clerk", **options: Any) -> Starlette:
        proxying = config(frontend_api_proxy=path, fapi_url=frontend_api.url)
        clerk = Middleware(ClerkMiddleware, config=proxying, **options)
        return Starlette(routes=[Route("/{path:path}", catch_all)], middleware=[*around, clerk])

    return make


@pytest.mark.parametrize("around", AROUND)
class TestWhatIsProxied:
    def test_is_asked_for_as_it_came(
        self, around: str, application: Any, client_of: Any, frontend_api: FrontendAPI, clerk: Any
    ) -> None:
        client = client_of(application(*AROUND[around]))
        answer = client.patch("/__clerk/v1/asked?a=1&a=%2F", content=b"body", headers={"x-mine": "1"})
        assert answer.status_code == 200
        expected = {"method": "PATCH", "query": "a=1&a=%2F", "size": 4}
        assert answer.json() == {**expected, "sha256": hashlib.sha256(b"body").hexdigest()}
        assert answer.headers["x-clerk"] == "yes"
        told = {name: value for name, value in frontend_api.headers.items() if name.startswith("clerk-")}
        assert told == {
            "clerk-proxy-url": "https://app.example.com/__clerk",
            "clerk-secret-key": clerk.secret_key,
        }
        assert frontend_api.headers["x-mine"] == "1"

    def test_redirects_to_the_application_and_keeps_each_cookie(
        self, around: str, application: Any, client_of: Any
    ) -> None:
        answer = client_of(application(*AROUND[around])).get("/__clerk/v1/client/handshake")
        assert answer.status_code == 307
        assert str(answer.next_request.url) == "https://app.example.com/__clerk/v1/client/verify"
        cookies = [line.partition(";")[0] for line in answer.headers.get_list("set-cookie")]
        assert cookies == ["__client=one", "__client_uat=2"]

    def test_is_compressed_once(self, around: str, application: Any) -> None:
        with (
            serving(application(*AROUND[around])) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
            client.stream("GET", "/__clerk/v1/zipped") as answer,
        ):
            assert answer.headers.get_list("content-encoding") == ["gzip"]
            assert gzip.decompress(b"".join(answer.iter_raw())) == b"x" * 5000

    def test_arrives_as_it_is_sent(self, around: str, application: Any, frontend_api: FrontendAPI) -> None:
        with (
            serving(application(*AROUND[around])) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
            client.stream("GET", "/__clerk/v1/events") as answer,
        ):
            events = answer.iter_text()
            assert next(events) == "data: first\n\n"
            frontend_api.first_event_was_taken.set()
            assert "".join(events) == "data: second\n\n"

    def test_may_be_large_and_of_a_length_that_nobody_knows(self, around: str, application: Any) -> None:
        def upload() -> Iterator[bytes]:
            for number in range(64):
                yield bytes([number]) * 65536

        with (
            serving(application(*AROUND[around])) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
        ):
            answer = client.post("/__clerk/v1/asked", content=upload())
        assert answer.json()["size"] == 64 * 65536
        assert answer.json()["sha256"] == hashlib.sha256(b"".join(upload())).hexdigest()


class TestThePath:
    def test_needs_no_session_whatever_the_application_protects(
        self, application: Any, client_of: Any
    ) -> None:
        client = client_of(application(protected_routes="/(.*)"))
        assert client.get("/__clerk/v1/asked").status_code == 200
        assert client.get("/other").status_code == 401

    def test_hides_none_of_the_application_s_own(self, application: Any, client_of: Any) -> None:
        client = client_of(application())
        for path in ("/", "/__clerk2/v1/asked", "/other/__clerk/v1/asked", "/__CLERK/v1/asked"):
            assert client.get(path).text == "the application's own"

    @pytest.mark.parametrize("path", ["//evil.example/v1", "/%2e%2e/v1", "/v1/%5c%5cevil.example"])
    def test_leads_nowhere_else(
        self, path: str, application: Any, client_of: Any, frontend_api: FrontendAPI
    ) -> None:
        answer = client_of(application()).get(f"/__clerk{path}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["code"] == "proxy_path_mismatch"
        assert frontend_api.headers == {}

    def test_is_that_which_browsers_see_in_a_mounted_application(
        self, application: Any, client_of: Any, frontend_api: FrontendAPI
    ) -> None:
        client = client_of(Starlette(routes=[Mount("/site", application(path="/site/__clerk"))]))
        # Nothing tells a mounted application that the server stops, to close what it keeps.
        assert client.get("/site/__clerk/v1/asked?connection=close").status_code == 200
        assert frontend_api.headers["clerk-proxy-url"] == "https://app.example.com/site/__clerk"
        assert client.get("/site/v1/asked").text == "the application's own"
        assert client.get("/__clerk/v1/asked").status_code == 404


def test_cors_is_the_application_s(application: Any, client_of: Any) -> None:
    client = client_of(application(*AROUND["CORSMiddleware"]))
    answer = client.get("/__clerk/v1/asked", headers={"origin": SPA})
    assert answer.headers.get_list("access-control-allow-origin") == [SPA]
    preflight = {"origin": SPA, "access-control-request-method": "POST"}
    assert client.options("/__clerk/v1/asked", headers=preflight).status_code == 200


def test_an_api_that_is_not_there(config: Any, client_of: Any) -> None:
    proxying = config(frontend_api_proxy=True, fapi_url="http://127.0.0.1:1")
    client = client_of(Starlette(middleware=[Middleware(ClerkMiddleware, config=proxying)]))
    answer = client.get("/__clerk/v1/asked")
    assert answer.status_code == 502
    assert answer.json()["errors"][0]["code"] == "proxy_request_failed"

"""HTTP requests: the identity in the scope, and what is added to the application's response."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from clerk_middleware import (
    AsyncAuthenticator,
    ConfigurationError,
    NotAuthenticated,
    NotAuthorized,
    ReverificationRequired,
    SessionAuth,
    SignedOut,
)
from clerk_middleware.asgi import ClerkMiddleware, get_auth, get_session, get_state
from clerk_middleware.asgi_scope import require
from clerk_middleware.local import LocalClerk
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement

from ..answers import REVERIFICATION

pytestmark = pytest.mark.anyio

SITE = "https://app.example.com"


def requiring(requirement: Requirement) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        require(scope, requirement)
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    return app


class TestTheScope:
    @pytest.mark.parametrize("credentials", ["bearer", "cookies"])
    async def test_holds_the_auth_object_and_the_user(
        self, credentials: str, request: Any, config: Any, request_to: Any, responding: Any
    ) -> None:
        headers = request.getfixturevalue(credentials)
        answer = await request_to(ClerkMiddleware(responding(), config()), "/", headers)
        auth, user = answer.scope["auth"], answer.scope["user"]
        assert isinstance(auth, SessionAuth)
        assert (auth.user_id, auth.org_slug) == ("user_dev", "blue-ridge-freight")
        assert auth.has(permission="org:dispatcher:assign_drivers")
        assert (user.is_authenticated, user.identity, user.display_name) == (True, "user_dev", "user_dev")
        assert (answer.status, answer.body) == (200, b"fine")
        assert get_auth(answer.scope) is get_session(answer.scope) is auth
        state = get_state(answer.scope)
        assert state.is_beyond_forgery == (credentials == "bearer")
        assert state.request.url.origin == SITE

    async def test_holds_nobody_for_who_is_signed_out(
        self, config: Any, request_to: Any, responding: Any
    ) -> None:
        answer = await request_to(ClerkMiddleware(responding(), config()))
        auth, user = answer.scope["auth"], answer.scope["user"]
        assert isinstance(auth, SignedOut)
        assert get_auth(answer.scope) is auth
        assert get_state(answer.scope).reason == "session-token-and-uat-missing"
        with pytest.raises(NotAuthenticated):
            get_session(answer.scope)
        assert (user.is_authenticated, user.identity, user.display_name) == (False, "", "")

    async def test_holds_scopes_also_for_nobody(
        self, config: Any, machine: Any, request_to: Any, responding: Any
    ) -> None:
        """Starlette's ``@requires`` looks into them, whatever kind of token an application accepts."""
        for accepted in ("session_token", "oauth_token"):
            answer = await request_to(ClerkMiddleware(responding(), config(accepts_token=accepted)))
            assert isinstance(answer.scope["auth"], SignedOut)
            assert tuple(answer.scope["auth"].scopes) == ()
        answer = await request_to(ClerkMiddleware(responding(), machine.config), "/", machine.headers)
        assert answer.scope["auth"].scopes == ("loads:read",)

    async def test_what_a_client_says_of_itself_counts_for_nothing(
        self, config: Any, request_to: Any, responding: Any, stranger_token: str
    ) -> None:
        headers = {"authorization": f"Bearer {stranger_token}"}
        answer = await request_to(ClerkMiddleware(responding(), config()), "/", headers, auth="x", user="y")
        assert answer.scope["auth"].user_id is None

    async def test_other_requests_in_one_application_keep_their_own(
        self, config: Any, request_to: Any, responding: Any, bearer: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config())
        signed_in, signed_out = await request_to(app, "/", bearer), await request_to(app)
        assert (signed_in.scope["auth"].user_id, signed_out.scope["auth"].user_id) == ("user_dev", None)

    async def test_the_configuration_may_depend_on_the_request(
        self, config: Any, development_config: Any, request_to: Any, responding: Any, bearer: Any
    ) -> None:
        def of(request: Any) -> Any:
            return config() if request.url.host == "app.example.com" else development_config

        app = ClerkMiddleware(responding(), of)
        assert (await request_to(app, "/", bearer)).scope["auth"].user_id == "user_dev"
        other = await request_to(app, "/", bearer | {"host": "other.example.com"})
        assert other.scope["auth"].user_id is None

    @pytest.mark.parametrize("function", [get_auth, get_session, get_state])
    async def test_without_the_middleware_the_error_says_what_to_do(
        self, function: Any, request_to: Any, responding: Any
    ) -> None:
        answer = await request_to(responding())
        with pytest.raises(ConfigurationError, match=r"did not see this request: add it with app\.add_m"):
            function(answer.scope)

    @pytest.mark.parametrize("function", [get_auth, get_session])
    async def test_another_authentication_middleware_is_named_as_the_cause(
        self, function: Any, config: Any, request_to: Any, responding: Any
    ) -> None:
        answer = await request_to(ClerkMiddleware(responding(), config()))
        answer.scope["auth"] = object()
        with pytest.raises(ConfigurationError, match=r"replaced the Auth object"):
            function(answer.scope)

    async def test_on_every_event_loop(
        self, every_backend: str, config: Any, request_to: Any, responding: Any, bearer: Any
    ) -> None:
        import anyio.to_thread

        def run() -> Any:
            app = ClerkMiddleware(responding(), config())
            return anyio.run(request_to, app, "/", bearer, backend=every_backend)

        answer = await anyio.to_thread.run_sync(run)
        assert (answer.status, answer.scope["auth"].user_id) == (200, "user_dev")


class TestWhatItIsGiven:
    async def test_an_authenticator_of_ones_own(
        self, config: Any, request_to: Any, responding: Any, bearer: Any
    ) -> None:
        authenticator = AsyncAuthenticator(config(), clock=lambda: time.time() + 3600)
        app = ClerkMiddleware(responding(), authenticator=authenticator)
        assert app.authenticator is authenticator
        assert (await request_to(app, "/", bearer)).scope["auth"].user_id is None  # expired, in an hour


class TestVary:
    async def test_is_merged_with_the_applications_own(self, config: Any, request_to: Any) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"vary", b"Accept"), (b"x-other", b"1"), (b"Vary", b"Origin")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body"})

        answer = await request_to(ClerkMiddleware(app, config()))
        assert answer.header("vary") == "Accept, Origin, Authorization, Cookie"
        assert answer.header("x-other") == "1"

    @pytest.mark.parametrize("credentials", [None, "bearer"])
    async def test_is_on_refusals_too(
        self, credentials: str | None, request: Any, config: Any, request_to: Any
    ) -> None:
        headers = request.getfixturevalue(credentials) if credentials else {}
        app = ClerkMiddleware(requiring(Requirement(role="org:admin")), config())
        answer = await request_to(app, "/", headers)
        assert answer.status in (401, 403)
        assert answer.header("vary") == "Authorization, Cookie"


class TestARefresh:
    @pytest.fixture
    async def refreshing(self, config: Any, backend_api: Any) -> AsyncIterator[AsyncAuthenticator]:
        async with AsyncAuthenticator(config(api_url=backend_api.url)) as authenticator:
            yield authenticator

    async def test_signs_in_and_sets_the_cookies(
        self, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(responding(), authenticator=refreshing)
        answer = await request_to(app, "/", expired_cookies | navigation)
        assert (answer.status, answer.scope["auth"].user_id) == (200, "user_dev")
        lines = answer.headers("set-cookie")
        assert any(re.match(r"__session=ey", line) for line in lines)
        assert answer.headers("location") == answer.headers("access-control-allow-origin") == []

    @pytest.mark.parametrize("own", ["public, max-age=3600", "private", "no-cache"])
    async def test_is_never_cacheable_whatever_the_application_says(
        self, own: str, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(headers={"Cache-Control": own}), authenticator=refreshing)
        answer = await request_to(app, "/", expired_cookies)
        assert answer.headers("set-cookie")
        assert answer.header("cache-control") == "no-store"

    async def test_leaves_the_applications_own_cookies(
        self, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(headers={"set-cookie": "theme=dark"}), authenticator=refreshing)
        answer = await request_to(app, "/", expired_cookies)
        assert "theme=dark" in answer.headers("set-cookie")
        assert len(answer.headers("set-cookie")) > 1

    async def test_goes_with_a_refusal(self, refreshing: Any, expired_cookies: Any, request_to: Any) -> None:
        app = ClerkMiddleware(requiring(Requirement(role="org:admin")), authenticator=refreshing)
        answer = await request_to(app, "/", expired_cookies)
        assert answer.status == 403
        assert answer.headers("set-cookie")
        assert answer.header("cache-control") == "no-store"

    async def test_is_none_where_the_token_is_fresh(
        self, config: Any, cookies: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(headers={"cache-control": "max-age=60"}), config())
        answer = await request_to(app, "/", cookies)
        assert answer.headers("set-cookie") == []
        assert answer.header("cache-control") == "max-age=60"

    async def test_that_clerk_refuses_is_a_handshake_or_signed_out(
        self, clerk: LocalClerk, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any,
        navigation: Any,
    ) -> None:  # fmt: skip
        broken = {"cookie": re.sub(r"(__refresh_[^=]*)=[^;]*", r"\1=rt_stolen", expired_cookies["cookie"])}
        app = ClerkMiddleware(responding(), authenticator=refreshing)
        assert (await request_to(app, "/", broken)).scope["auth"].user_id is None
        assert (await request_to(app, "/", broken | navigation)).status == 307


class TestAHandshake:
    async def test_is_answered_without_the_application(
        self, development_config: Any, request_to: Any, navigation: Any
    ) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError("the application must not see it")

        answer = await request_to(ClerkMiddleware(app, development_config), "/loads?page=2", navigation)
        assert answer.status == 307
        assert answer.header("cache-control") == "no-store"
        target = urlsplit(answer.header("location"))
        assert target.path == "/v1/client/handshake"
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/loads?page=2"]
        assert answer.body == b""

    async def test_is_not_made_of_what_is_no_navigation(
        self, development_config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), development_config)
        answer = await request_to(app, "/", {"accept": "application/json", "sec-fetch-dest": "empty"})
        assert (answer.status, answer.scope["auth"].user_id) == (200, None)

    async def test_result_in_development_redirects_to_the_clean_url_with_the_cookies(
        self,
        development: LocalClerk,
        development_config: Any,
        request_to: Any,
        responding: Any,
        navigation: Any,
    ) -> None:
        session = development.sign_in("user_dev")
        token = development.session_token(session, azp=SITE)
        result = development._instance.keys.sign({"handshake": [f"__session={token}; Path=/"]})
        app = ClerkMiddleware(responding(), development_config)
        answer = await request_to(app, f"/loads?page=2&__clerk_handshake={result}", navigation)
        assert answer.status == 307
        assert answer.header("location") == f"{SITE}/loads?page=2"
        assert answer.header("cache-control") == "no-store"
        assert answer.headers("set-cookie") == [f"__session={token}; Path=/"]

    async def test_result_in_production_signs_in_and_goes_on(
        self, clerk: LocalClerk, config: Any, request_to: Any, responding: Any, navigation: Any
    ) -> None:
        token = clerk.issue_session_token("user_dev", azp=SITE)
        result = clerk._instance.keys.sign({"handshake": [f"__session={token}; Path=/"]})
        headers = navigation | {"cookie": f"__clerk_handshake={result}"}
        answer = await request_to(ClerkMiddleware(responding(), config()), "/", headers)
        assert (answer.status, answer.scope["auth"].user_id) == (200, "user_dev")
        assert answer.headers("set-cookie") == [f"__session={token}; Path=/"]
        assert answer.header("cache-control") == "no-store"
        # They are for the redirect of a handshake: on a page they would switch CORS off.
        assert answer.headers("access-control-allow-origin") == []

    @pytest.mark.parametrize("kind", ["garbage", "stranger"])
    async def test_token_that_does_not_verify_is_a_bad_request_not_a_failure(
        self, kind: str, development_config: Any, request_to: Any, responding: Any, navigation: Any,
        stranger_token: str,
    ) -> None:  # fmt: skip
        result = stranger_token if kind == "stranger" else "x.y.z"
        app = ClerkMiddleware(responding(), development_config)
        answer = await request_to(app, f"/?__clerk_handshake={result}", navigation)
        assert answer.status == 400
        assert answer.json["clerk_error"]["type"] == "handshake-failed"
        assert answer.json["clerk_error"]["reason"].startswith("token-")
        assert answer.header("cache-control") == "no-store"
        assert result not in answer.body.decode()


class TestARefusal:
    async def test_of_an_api_request_that_is_not_signed_in(self, config: Any, request_to: Any) -> None:
        answer = await request_to(ClerkMiddleware(requiring(Requirement()), config()))
        assert answer.status == 401
        assert answer.header("www-authenticate") == "Bearer"
        assert answer.header("content-type") == "application/json"
        assert answer.header("cache-control") == "no-store"
        assert answer.header("content-length") == str(len(answer.body))
        assert answer.json["clerk_error"] == {
            "type": "unauthorized",
            "reason": "session-token-and-uat-missing",
            "message": "Sign in to do this.",
        }

    @pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE"])
    async def test_never_redirects_what_is_no_get(
        self, method: str, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        assert (await request_to(app, "/", navigation, method=method)).status == 401

    @pytest.mark.parametrize("dest", ["empty", "image", "script", "iframe"])
    async def test_never_redirects_what_is_no_document(self, dest: str, config: Any, request_to: Any) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        answer = await request_to(app, "/", {"accept": "text/html", "sec-fetch-dest": dest})
        assert answer.status == 401

    @pytest.mark.parametrize("headers", [{"sec-fetch-dest": "document"}, {"accept": "text/html,*/*;q=0.8"}])
    async def test_sends_a_navigation_to_sign_in_and_back(
        self, headers: dict[str, str], config: Any, request_to: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        answer = await request_to(app, "/loads?page=2&sort=a%26b", headers)
        assert answer.status == 307
        assert answer.header("cache-control") == "no-store"
        target = urlsplit(answer.header("location"))
        assert (target.scheme, target.netloc, target.path) == ("https", "accounts.example.com", "/sign-in")
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/loads?page=2&sort=a%26b"]

    @pytest.mark.parametrize(
        "target", ["//evil.example/x", "/%2Fevil.example", "/\\\\evil.example", "/@evil.example"]
    )
    async def test_never_names_another_site_to_come_back_to(
        self, target: str, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        location = (await request_to(app, target, navigation)).header("location")
        back = parse_qs(urlsplit(location).query)["redirect_url"][0]
        assert back.startswith(f"{SITE}/")
        assert urlsplit(back).netloc == "app.example.com"

    async def test_uses_the_sign_in_url_of_the_configuration(
        self, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config(sign_in_url="/login"))
        location = (await request_to(app, "/loads", navigation)).header("location")
        assert location == f"{SITE}/login?redirect_url=https%3A%2F%2Fapp.example.com%2Floads"

    async def test_where_nobody_knows_where_to_sign_in_is_a_401(
        self, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config(publishable_key=None))
        assert (await request_to(app, "/", navigation)).status == 401

    async def test_in_development_says_more(
        self, clerk: LocalClerk, development_config: Any, request_to: Any, stranger_token: str
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), development_config)
        answer = await request_to(app, "/", {"authorization": f"Bearer {stranger_token}"})
        error = answer.json["clerk_error"]
        assert error["reason"] == "token-invalid-signature"
        assert error["message"].startswith("Sign in to do this: ")
        assert stranger_token not in answer.body.decode()

    async def test_names_what_was_required(self, config: Any, request_to: Any, bearer: Any) -> None:
        requirement = Requirement(role="org:admin", permission="org:admin:view_audit_logs")
        answer = await request_to(ClerkMiddleware(requiring(requirement), config()), "/", bearer)
        assert answer.status == 403
        error = answer.json["clerk_error"]
        assert (error["type"], error["reason"]) == ("forbidden", "not-authorized")
        assert error["metadata"] == {
            "required": {"role": "org:admin", "permission": "org:admin:view_audit_logs"}
        }
        assert "'org:admin'" in error["message"]
        assert "'org:admin:view_audit_logs'" in error["message"]

    async def test_by_a_condition_says_so_without_details(
        self, config: Any, request_to: Any, bearer: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement(lambda auth: auth.org_slug == "harbor-lines")), config())
        answer = await request_to(app, "/", bearer)
        assert answer.status == 403
        assert answer.json["clerk_error"]["message"] == "You are not allowed to do this."

    async def test_for_reverification_is_word_for_word_clerks(
        self, config: Any, request_to: Any, clerk: LocalClerk
    ) -> None:
        old = clerk.issue_session_token("user_dev", azp=SITE, fva=(11, -1))
        app = ClerkMiddleware(requiring(Requirement(reverification="strict")), config())
        answer = await request_to(app, "/", {"authorization": f"Bearer {old}"})
        assert answer.status == 403
        assert answer.json == REVERIFICATION

    async def test_of_a_pending_session_leads_to_its_tasks(
        self, config: Any, request_to: Any, clerk: LocalClerk, navigation: Any
    ) -> None:
        pending = clerk.issue_session_token("user_dev", azp=SITE, claims={"sts": "pending"})
        headers = {"cookie": f"__session={pending}; __client_uat=1"}
        app = ClerkMiddleware(requiring(Requirement()), config())
        answer = await request_to(app, "/loads", headers | navigation)
        assert answer.scope["auth"].user_id is None
        assert answer.scope["auth"].session_status == "pending"
        target = urlsplit(answer.header("location"))
        assert target.path == "/sign-in/tasks"
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/loads"]
        assert (await request_to(app, "/loads", headers)).status == 401

    @pytest.mark.parametrize("kind", [NotAuthenticated, NotAuthorized, ReverificationRequired])
    async def test_that_the_application_raises_itself_is_answered(
        self, kind: Any, config: Any, request_to: Any, bearer: Any
    ) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise kind("no", auth=scope["auth"], requirement=Requirement(role="org:owner"))

        answer = await request_to(ClerkMiddleware(app, config()), "/", bearer)
        assert answer.status == (401 if kind is NotAuthenticated else 403)
        if kind is ReverificationRequired:  # of a requirement that says nothing of it
            assert answer.json["clerk_error"]["metadata"] == {}

    async def test_after_the_response_was_started_is_raised(
        self, config: Any, request_to: Any, bearer: Any, new_answer: Any
    ) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            require(scope, Requirement(role="org:admin"))

        answer = new_answer()
        with pytest.raises(NotAuthorized):
            await request_to(ClerkMiddleware(app, config()), "/", bearer, into=answer)
        assert answer.kinds == ["http.response.start", "http.response.body"]
        assert answer.status == 200

    async def test_other_exceptions_pass(self, config: Any, request_to: Any, new_answer: Any) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise LookupError("the application's own")

        answer = new_answer()
        with pytest.raises(LookupError):
            await request_to(ClerkMiddleware(app, config()), into=answer)
        assert answer.messages == []

    async def test_of_a_machine_is_a_401(self, machine: Any, request_to: Any) -> None:
        app = ClerkMiddleware(requiring(Requirement()), machine.config)
        answer = await request_to(app, "/", machine.headers)
        assert answer.scope["auth"].token_type == "oauth_token"
        assert answer.status == 401


class TestProtect:
    async def test_hides_from_who_is_not_allowed_that_there_is_anything(
        self, config: Any, request_to: Any, bearer: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Protection(role="org:admin")), config())
        answer = await request_to(app, "/", bearer)
        assert (answer.status, answer.json) == (404, {"detail": "Not Found"})
        assert answer.header("cache-control") == "no-store"

    async def test_sends_who_is_not_allowed_to_a_page(
        self, config: Any, request_to: Any, bearer: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Protection(role="org:admin", unauthorized_url="/upgrade")), config())
        answer = await request_to(app, "/", bearer)
        assert (answer.status, answer.header("location")) == (307, "/upgrade")

    async def test_sends_who_is_signed_out_to_a_page(self, config: Any, request_to: Any) -> None:
        app = ClerkMiddleware(requiring(Protection(unauthenticated_url="/welcome")), config())
        answer = await request_to(app)
        assert (answer.status, answer.header("location")) == (307, "/welcome")

    async def test_sends_a_navigation_to_sign_in_and_tells_others_of_nothing(
        self, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Protection()), config())
        answer = await request_to(app, "/loads", navigation)
        assert answer.header("location").startswith("https://accounts.example.com/sign-in?redirect_url=")
        assert (await request_to(app, "/loads")).status == 404

    async def test_asks_for_reverification_as_any_requirement(
        self, config: Any, request_to: Any, clerk: LocalClerk
    ) -> None:
        old = clerk.issue_session_token("user_dev", azp=SITE, fva=(61, 61))
        app = ClerkMiddleware(requiring(Protection(reverification="moderate")), config())
        answer = await request_to(app, "/", {"authorization": f"Bearer {old}"})
        assert answer.status == 403
        assert answer.json["clerk_error"]["reason"] == "reverification-error"

    async def test_answers_a_machine_401(self, machine: Any, request_to: Any) -> None:
        """As Clerk's own: a machine can be sent nowhere, and knows that it asked."""
        app = ClerkMiddleware(requiring(Protection()), machine.config)
        assert (await request_to(app, "/", machine.headers)).status == 401

    async def test_lets_who_is_allowed_pass(self, config: Any, request_to: Any, bearer: Any) -> None:
        app = ClerkMiddleware(
            requiring(Protection(lambda auth: auth.user_id == "user_dev", role="org:dispatcher")), config()
        )
        assert (await request_to(app, "/", bearer)).status == 204


class TestOverHTTPX:
    async def test_everything_fits_a_real_client(self, config: Any, responding: Any, bearer: Any) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes="/private")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE) as client:
            assert (await client.get("/private", headers=bearer)).text == "fine"
            refused = await client.get("/private")
        assert refused.status_code == 401
        assert refused.headers["vary"] == "Authorization, Cookie"


def test_a_stranger_token_is_well_formed(stranger_token: str) -> None:
    assert jwt.decode(stranger_token, options={"verify_signature": False})["sub"] == "user_dev"


async def test_the_user_is_true_where_somebody_is_signed_in(
    config: Any, request_to: Any, responding: Any, bearer: Any
) -> None:
    app = ClerkMiddleware(responding(), config())
    assert (await request_to(app, "/", bearer)).scope["user"]
    assert not (await request_to(app, "/")).scope["user"]

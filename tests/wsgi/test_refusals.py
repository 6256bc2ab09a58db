"""Refusals that an application raises, wherever in the protocol of PEP 3333 it is by then."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.validate import validator

import pytest

from clerk_middleware import NotAuthenticated, NotAuthorized, ReverificationRequired
from clerk_middleware.local import LocalClerk
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement
from clerk_middleware.wsgi import ClerkMiddleware, get_session
from clerk_middleware.wsgi_environ import require

from ..answers import REVERIFICATION

SITE = "https://app.example.com"
PLAIN = [("Content-Type", "text/plain")]


def requiring(requirement: Requirement) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        require(environ, requirement)
        start_response("204 No Content", [])
        return []

    return app


class TestTheAnswer:
    def test_to_an_api_request_that_is_not_signed_in(self, config: Any, request_to: Any) -> None:
        answer = request_to(ClerkMiddleware(requiring(Requirement()), config()))
        assert answer.status_line == "401 Unauthorized"
        assert answer.header("www-authenticate") == "Bearer"
        assert answer.header("content-type") == "application/json"
        assert answer.header("cache-control") == "no-store"
        assert answer.header("content-length") == str(len(answer.body))
        assert answer.header("vary") == "Authorization, Cookie"
        assert answer.json["clerk_error"]["reason"] == "session-token-and-uat-missing"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_never_redirects_what_is_no_get(
        self, method: str, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        assert request_to(app, "/", navigation, method=method).status == 401

    def test_sends_a_navigation_to_sign_in_and_back(
        self, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        answer = request_to(app, "/loads?page=2&sort=a%26b", navigation)
        assert (answer.status_line, answer.body) == ("307 Temporary Redirect", b"")
        assert answer.header("cache-control") == "no-store"
        target = urlsplit(answer.header("location"))
        assert (target.netloc, target.path) == ("accounts.example.com", "/sign-in")
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/loads?page=2&sort=a%26b"]

    @pytest.mark.parametrize(
        "target", ["//evil.example/x", "/%2Fevil.example", "/\\\\evil.example", "/@evil.example"]
    )
    def test_never_names_another_site_to_come_back_to(
        self, target: str, config: Any, request_to: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        location = request_to(app, target, navigation).header("location")
        back = parse_qs(urlsplit(location).query)["redirect_url"][0]
        assert urlsplit(back).netloc == "app.example.com"

    def test_names_what_was_required(self, config: Any, request_to: Any, dispatcher: Any) -> None:
        app = ClerkMiddleware(requiring(Requirement(role="org:admin")), config())
        answer = request_to(app, "/", dispatcher)
        assert answer.status_line == "403 Forbidden"
        assert answer.json["clerk_error"]["metadata"] == {"required": {"role": "org:admin"}}

    def test_for_reverification_is_word_for_word_clerks(
        self, config: Any, request_to: Any, clerk: LocalClerk
    ) -> None:
        old = clerk.issue_session_token("user_dev", azp=SITE, fva=(11, -1))
        app = ClerkMiddleware(requiring(Requirement(reverification="strict")), config())
        answer = request_to(app, "/", {"authorization": f"Bearer {old}"})
        assert answer.status == 403
        assert answer.json == REVERIFICATION

    def test_of_protect_hides_that_there_is_anything(
        self, config: Any, request_to: Any, dispatcher: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Protection(role="org:admin")), config())
        for _ in range(2):  # of one answer, the same for everybody
            answer = request_to(app, "/", dispatcher)
            assert (answer.status_line, answer.json) == ("404 Not Found", {"detail": "Not Found"})
            assert answer.header("content-length") == str(len(answer.body))
        elsewhere = Protection(role="org:admin", unauthorized_url="/upgrade")
        answer = request_to(ClerkMiddleware(requiring(elsewhere), config()), "/", dispatcher)
        assert (answer.status, answer.header("location")) == (307, "/upgrade")

    @pytest.mark.parametrize("kind", [NotAuthenticated, NotAuthorized, ReverificationRequired])
    def test_to_an_error_of_the_applications_own(self, kind: Any, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            raise kind("This load is another driver's.")

        answer = request_to(ClerkMiddleware(app, config()))
        assert answer.status == (401 if kind is NotAuthenticated else 403)
        assert (b"another driver" in answer.body) == (kind is NotAuthorized)

    def test_is_told_in_the_log(self, config: Any, request_to: Any, caplog: Any) -> None:
        with caplog.at_level("DEBUG", "clerk_middleware"):
            request_to(ClerkMiddleware(requiring(Requirement()), config()))
        assert "Clerk: refused, nobody is signed in" in caplog.text


class TestByAGenerator:
    def test_before_it_began_to_answer(self, config: Any, request_to: Any, dispatcher: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            get_session(environ)
            start_response("200 OK", list(PLAIN))
            yield b"fi"
            yield b"ne"

        guarded = ClerkMiddleware(validator(app), config())
        refused = request_to(guarded)
        assert (refused.status, refused.starts) == (401, 1)
        assert refused.header("content-length") == str(len(refused.body))
        allowed = request_to(guarded, "/", dispatcher)
        assert (allowed.status, allowed.body) == (200, b"fine")
        assert allowed.header("vary") == "Authorization, Cookie"

    def test_after_start_response(self, config: Any, request_to: Any) -> None:
        """Nothing of it went out yet: a server waits for the first chunk."""

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [*PLAIN, ("Set-Cookie", "a=b")])
            get_session(environ)
            yield b"secret"

        refused = request_to(ClerkMiddleware(app, config()))
        assert refused.status == 401
        assert refused.header("content-type") == "application/json"
        assert refused.headers("set-cookie") == []
        assert b"secret" not in refused.body

    @pytest.mark.parametrize("chunk", [b"half", b""])
    def test_after_its_first_chunk_is_raised(
        self, chunk: bytes, config: Any, request_to: Any, new_answer: Any, dispatcher: Any
    ) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))
            yield chunk
            require(environ, Requirement(role="org:admin"))

        answer = new_answer()
        with pytest.raises(NotAuthorized, match="org:admin"):
            request_to(ClerkMiddleware(app, config()), "/", dispatcher, into=answer)
        assert (answer.status, answer.body, answer.starts) == (200, chunk, 1)

    def test_other_exceptions_pass(self, config: Any, request_to: Any, new_answer: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            yield from ()
            raise LookupError("the application's own")

        answer = new_answer()
        with pytest.raises(LookupError):
            request_to(ClerkMiddleware(app, config()), into=answer)
        assert answer.starts == 0


class TestByAnObject:
    def test_whose_iter_begins_it(self, config: Any, request_to: Any, dispatcher: Any) -> None:
        """PEP 3333 has such an application, a class."""
        closed = []

        class App:
            def __init__(self, environ: Any, start_response: Any) -> None:
                self.environ, self.start_response = environ, start_response

            def __iter__(self) -> Any:
                get_session(self.environ)
                self.start_response("200 OK", list(PLAIN))
                return iter([b"fine"])

            def close(self) -> None:
                closed.append(self)

        guarded = ClerkMiddleware(App, config())
        assert request_to(guarded, "/", dispatcher).body == b"fine"
        assert request_to(guarded).status == 401
        assert len(closed) == 2


class TestByAPlainApplication:
    def test_after_start_response(self, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [*PLAIN, ("Set-Cookie", "a=b")])
            get_session(environ)

        refused = request_to(ClerkMiddleware(app, config()))
        assert (refused.status, refused.headers("set-cookie")) == (401, [])

    def test_after_it_wrote_is_raised(self, config: Any, request_to: Any, new_answer: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            write = start_response("200 OK", list(PLAIN))
            write(b"half")
            get_session(environ)

        answer = new_answer()
        with pytest.raises(NotAuthenticated):
            request_to(ClerkMiddleware(app, config()), into=answer)
        assert (answer.status, answer.body) == (200, b"half")

    def test_other_exceptions_pass(self, config: Any, request_to: Any, new_answer: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            raise LookupError("the application's own")

        answer = new_answer()
        with pytest.raises(LookupError):
            request_to(ClerkMiddleware(app, config()), into=answer)
        assert answer.starts == 0

    def test_in_a_body_that_it_made_after_it_began_to_answer(self, config: Any, request_to: Any) -> None:
        """As Pyramid has it: ``app_iter``."""

        def chunks(environ: Any) -> Any:
            get_session(environ)
            yield b"secret"

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [*PLAIN, ("Set-Cookie", "a=b")])
            return chunks(environ)

        refused = request_to(ClerkMiddleware(app, config()))
        assert (refused.status, refused.starts) == (401, 1)
        assert refused.headers("set-cookie") == []
        assert b"secret" not in refused.body

    def test_in_a_body_that_it_did_not_begin_is_raised(
        self, config: Any, request_to: Any, new_answer: Any
    ) -> None:
        """What may have a length is the server's, so it has to be refused before ``start_response``."""

        class Chunks:
            def __init__(self, environ: Any) -> None:
                self.environ = environ

            def __iter__(self) -> Any:
                get_session(self.environ)
                yield b"secret"

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))
            return Chunks(environ)

        answer = new_answer()
        with pytest.raises(NotAuthenticated):
            request_to(ClerkMiddleware(app, config()), into=answer)
        assert answer.body == b""

    @pytest.mark.parametrize("writes", [False, True])
    def test_after_it_began_on_a_server_that_has_no_write(
        self, writes: bool, config: Any, environ_of: Any
    ) -> None:
        """Some servers of tests return nothing: there must not be a second response for it."""
        given: list[Any] = []

        def app(environ: Any, start_response: Any) -> Any:
            write = start_response("200 OK", list(PLAIN))
            if writes:
                write(b"")
            yield b"half"
            get_session(environ)

        def server(*started: Any) -> Any:
            given.append(started)

        body = iter(ClerkMiddleware(app, config())(environ_of(), server))
        assert next(body) == b"half"
        with pytest.raises(NotAuthenticated):
            next(body)
        assert [status for status, _ in given] == ["200 OK"]


class TestStartResponse:
    """https://peps.python.org/pep-3333/#the-start-response-callable"""

    def test_a_second_time_with_an_error(self, config: Any, request_to: Any, cookies: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            import sys

            start_response("200 OK", [*PLAIN, ("X-First", "1")])
            try:
                raise LookupError("the application's own")
            except LookupError:
                start_response("500 Oops", [*PLAIN, ("Vary", "Accept")], sys.exc_info())
            return [b"sorry"]

        answer = request_to(ClerkMiddleware(validator(app), config()), "/", cookies)
        assert (answer.status_line, answer.body) == ("500 Oops", b"sorry")
        assert answer.header("vary") == "Accept, Authorization, Cookie"
        assert answer.header("x-first") is None

    def test_a_second_time_with_an_error_when_it_is_too_late(
        self, config: Any, request_to: Any, new_answer: Any
    ) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            import sys

            start_response("200 OK", list(PLAIN))(b"half")
            try:
                raise LookupError("the application's own")
            except LookupError:
                start_response("500 Oops", list(PLAIN), sys.exc_info())
            return [b"sorry"]

        answer = new_answer()
        with pytest.raises(LookupError):
            request_to(ClerkMiddleware(app, config()), into=answer)
        assert (answer.status, answer.body) == (200, b"half")

    def test_a_second_time_without_one_is_a_mistake(self, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))
            start_response("201 Created", list(PLAIN))
            return []

        with pytest.raises(AssertionError, match="a second time"):
            request_to(ClerkMiddleware(app, config()))

    def test_after_what_it_wrote_is_the_servers_to_judge(
        self, config: Any, environ_of: Any, cookies: Any
    ) -> None:
        given: list[Any] = []
        because = (LookupError, LookupError("the application's own"), None)

        def start_response(*arguments: Any) -> Any:
            given.append(arguments)
            return lambda _: None

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))(b"half")
            start_response("500 Oops", [("Vary", "Accept")], because)
            return []

        ClerkMiddleware(app, config())(environ_of("/", cookies), start_response)
        assert given[1] == ("500 Oops", [("vary", "Accept, Authorization, Cookie")], because)

    def test_gets_exactly_what_the_application_gives(self, config: Any, environ_of: Any) -> None:
        given: list[Any] = []

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", own)
            return []

        own = [("Content-Type", "text/plain"), ("content-type", "again"), ("X-A", "1"), ("X-A", "2")]
        before = list(own)
        ClerkMiddleware(app, config())(environ_of(), lambda *arguments: given.append(arguments))
        assert given == [("200 OK", [*before, ("vary", "Authorization, Cookie")])]
        assert own == before  # an application may have it for every response

    def test_answers_with_the_servers_write(self, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            write = start_response("200 OK", list(PLAIN))
            write(b"fi")
            write(b"ne")
            return [b"!"]

        assert request_to(ClerkMiddleware(validator(app), config())).body == b"fine!"

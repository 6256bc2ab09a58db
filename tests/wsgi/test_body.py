"""The body of a response: who makes it, when it may still be refused, and who closes it (PEP 3333)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from clerk_middleware import NotAuthorized
from clerk_middleware.wsgi import ClerkMiddleware

PLAIN = [("Content-Type", "text/plain")]
#: Some servers have a class for files, others a function.
FILE_WRAPPERS = pytest.mark.parametrize("wrap", [FileWrapper, lambda *file: FileWrapper(*file)])


class Body:
    """An iterator that counts how often it was closed."""

    def __init__(self, *chunks: Any) -> None:
        self._chunks = iter(chunks)
        self.closed = 0

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        if isinstance(chunk, Exception):
            raise chunk
        return bytes(chunk)

    def close(self) -> None:
        self.closed += 1


class Page(list[bytes]):
    """A list that counts how often it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def returning(body: Any, *headers: tuple[str, str]) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [*PLAIN, *headers])
        return body

    return app


def ignoring(*started: Any) -> Any:
    """A server that lets every application begin."""
    return lambda chunk: None


class TestThatIsMadeAlready:
    """Servers know a list by its length, and their file wrapper by its type."""

    @pytest.mark.parametrize("body", [[b"fine"], (b"fine",), [], Page([b"fine"])])
    def test_is_the_applications_own_object(self, body: Any, config: Any, environ_of: Any) -> None:
        app = ClerkMiddleware(returning(body), config())
        assert app(environ_of(), ignoring) is body

    def test_is_that_also_after_what_was_written(self, config: Any, environ_of: Any) -> None:
        body = [b"ne"]

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))(b"fi")
            return body

        assert ClerkMiddleware(app, config())(environ_of(), ignoring) is body

    @FILE_WRAPPERS
    def test_is_that_if_it_is_a_file(self, wrap: Any, config: Any, environ_of: Any, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"fine")

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))
            return environ["wsgi.file_wrapper"](opened, 8192)

        with (tmp_path / "file").open("rb") as opened:
            body = ClerkMiddleware(app, config())(environ_of(**{"wsgi.file_wrapper": wrap}), ignoring)
            assert type(body) is FileWrapper
            assert list(body) == [b"fine"]

    def test_is_closed_where_the_server_refuses_its_headers(self, config: Any, environ_of: Any) -> None:
        """The server never gets to see it, and so cannot close it."""

        def refusing(*_: Any) -> Any:
            raise ValueError("a header has a line feed")

        body = Page([b"fine"])
        with pytest.raises(ValueError, match="line feed"):
            ClerkMiddleware(returning(body), config())(environ_of(), refusing)
        assert body.closed == 1
        with pytest.raises(ValueError, match="line feed"):  # which is not hidden if there is nothing to close
            ClerkMiddleware(returning([b"fine"]), config())(environ_of(), refusing)


class TestThatIsYetToBeMade:
    """It may be refused until its first chunk, whatever was started before."""

    @pytest.mark.parametrize("wrap", [None, FileWrapper])
    def test_by_an_iterator(self, wrap: Any, config: Any, request_to: Any) -> None:
        body = Body(NotAuthorized("no"), b"secret")
        app = ClerkMiddleware(returning(body, ("Set-Cookie", "a=b")), config())
        refused = request_to(app, **({"wsgi.file_wrapper": wrap} if wrap else {}))
        assert (refused.status, refused.starts) == (403, 1)
        assert refused.header("content-type") == "application/json"
        assert refused.headers("set-cookie") == []
        assert b"secret" not in refused.body
        assert body.closed == 1

    @FILE_WRAPPERS
    def test_by_a_generator(self, wrap: Any, config: Any, request_to: Any) -> None:
        def chunks() -> Any:
            raise NotAuthorized("no")
            yield b"secret"

        app = ClerkMiddleware(returning(chunks(), ("Set-Cookie", "a=b")), config())
        refused = request_to(app, **{"wsgi.file_wrapper": wrap})
        assert (refused.status, refused.starts, refused.headers("set-cookie")) == (403, 1, [])
        assert b"secret" not in refused.body

    def test_but_not_where_it_may_be_a_file(self, config: Any, environ_of: Any) -> None:
        """What a function returns has no type to know it by."""
        body = Body(b"fine")
        environ = environ_of(**{"wsgi.file_wrapper": lambda *_: body})
        assert ClerkMiddleware(returning(body), config())(environ, ignoring) is body

    def test_after_what_was_written_is_raised(self, config: Any, request_to: Any, new_answer: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))(b"half")
            return body

        body, answer = Body(NotAuthorized("no")), new_answer()
        with pytest.raises(NotAuthorized):
            request_to(ClerkMiddleware(app, config()), into=answer)
        assert (answer.status, answer.body, answer.starts, body.closed) == (200, b"half", 1, 1)


class TestTheBody:
    def test_may_be_empty(self, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            start_response("204 No Content", [])
            yield from ()

        answer = request_to(ClerkMiddleware(app, config()))
        assert (answer.status, answer.body, answer.starts) == (204, b"", 1)

    @pytest.mark.parametrize("begins", ["at once", "with its first chunk"])
    def test_is_closed_once(self, begins: str, config: Any, request_to: Any) -> None:
        body = Body(b"fi", b"ne")

        def chunks(start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))
            yield from body

        class Late(Body):
            def __init__(self, start_response: Any) -> None:
                self._chunks = chunks(start_response)

            def close(self) -> None:
                body.close()

        def app(environ: Any, start_response: Any) -> Any:
            if begins != "at once":
                return Late(start_response)
            start_response("200 OK", list(PLAIN))
            return body

        assert request_to(ClerkMiddleware(app, config())).body == b"fine"
        assert body.closed == 1

    def test_is_closed_once_where_it_refuses(self, config: Any, request_to: Any) -> None:
        body = Body(NotAuthorized("no"))
        assert request_to(ClerkMiddleware(lambda *_: body, config())).status == 403
        assert body.closed == 1

    def test_is_closed_once_where_it_fails(self, config: Any, request_to: Any) -> None:
        body = Body(LookupError("the application's own"))
        with pytest.raises(LookupError):
            request_to(ClerkMiddleware(lambda *_: body, config()))
        assert body.closed == 1

    def test_is_closed_where_the_client_goes_away(self, config: Any, environ_of: Any) -> None:
        closed = []

        def app(environ: Any, start_response: Any) -> Any:
            try:
                start_response("200 OK", list(PLAIN))
                yield b"fi"
                yield b"ne"
            finally:
                closed.append(True)

        body = ClerkMiddleware(app, config())(environ_of(), lambda *_: lambda _: None)
        assert next(iter(body)) == b"fi"
        body.close()  # type: ignore[attr-defined]
        assert closed == [True]
        assert list(body) == []

    def test_need_not_have_a_close(self, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            return map(bytes, begin(start_response))

        def begin(start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))
            yield b"fine"

        assert request_to(ClerkMiddleware(app, config())).body == b"fine"

    def test_is_sent_chunk_by_chunk(self, config: Any, environ_of: Any) -> None:
        made: list[bytes] = []

        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(PLAIN))
            for chunk in (b"1", b"2"):
                made.append(chunk)
                yield chunk

        body = ClerkMiddleware(app, config())(environ_of(), lambda *_: lambda _: None)
        assert made == []
        assert (next(iter(body)), made) == (b"1", [b"1"])

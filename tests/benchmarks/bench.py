"""How long authenticating takes, as ratios to one RSA-2048 verification with a prepared key.

Everything is measured in one run, alternately, and the best of several rounds counts, so that the
ratios hold on a busy machine. ``tox -e bench`` runs it; ``--check`` fails where a target is missed.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
from clerk_backend_api.security import authenticate_request
from clerk_backend_api.security.types import AuthenticateRequestOptions
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkConfig, ClerkRequest
from clerk_middleware.wsgi import ClerkMiddleware

TARGETS = {"header, new token": 2.6, "header, repeated token": 0.3}
ROUNDS, CALLS = 15, 200
HOST = "clerk.example.com"
ORIGIN = "https://example.com"

private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
public_key = private_key.public_key()
public_pem = public_key.public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()


def token(number: int) -> str:
    now = int(time.time())
    claims = {
        "azp": ORIGIN, "exp": now + 600, "fea": "o:dashboard,o:teams", "fva": [2, -1], "iat": now - 1,
        "iss": f"https://{HOST}", "jti": f"{number:020x}", "nbf": now - 11, "pla": "o:pro",
        "o": {"id": "org_2abc", "rol": "admin", "slg": "acme", "per": "manage,read", "fpm": "2,3"},
        "sid": "sess_2abcdefghijklmnopqrstuvwxyz0", "sts": "active", "v": 2,
        "sub": "user_2abcdefghijklmnopqrstuvwxyz0",
    }  # fmt: skip
    header = {"cat": "cl_B7d4PD111AAA", "kid": "ins_2abcdefghijklmnopqrstuvwxyz0", "typ": "JWT"}
    return jwt.encode(claims, private_key, algorithm="RS256", headers=header)


def scope(*credentials: tuple[bytes, bytes]) -> dict[str, Any]:
    """An ASGI scope as Chromium's requests make it."""
    headers = [
        (b"host", b"example.com"),
        (b"connection", b"keep-alive"),
        (b"sec-ch-ua", b'"Chromium";v="141", "Not?A_Brand";v="8"'),
        (b"sec-ch-ua-mobile", b"?0"),
        (b"sec-ch-ua-platform", b'"Linux"'),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36"),
        (b"accept", b"application/json"),
        (b"sec-fetch-site", b"same-origin"),
        (b"sec-fetch-mode", b"cors"),
        (b"sec-fetch-dest", b"empty"),
        (b"referer", b"https://example.com/dashboard"),
        (b"accept-encoding", b"gzip, deflate, br, zstd"),
        (b"accept-language", b"en-GB,en;q=0.9"),
        *credentials,
    ]
    return {
        "type": "http", "method": "GET", "scheme": "https", "path": "/api/teams", "raw_path": b"/api/teams",
        "query_string": b"page=2", "headers": headers, "server": ("127.0.0.1", 8000),
    }  # fmt: skip


def in_header(text: str) -> dict[str, Any]:
    return scope((b"authorization", b"Bearer " + text.encode()))


def in_cookie(text: str) -> dict[str, Any]:
    uat = int(time.time()) - 500
    plain = f"__session={text}; __client_uat={uat}"
    suffixed = f"__session_naoXFJnI={text}; __client_uat_naoXFJnI={uat}"
    return scope((b"cookie", f"theme=dark; {plain}; {suffixed}".encode()))


def environ(scope: dict[str, Any]) -> dict[str, Any]:
    """The same as a WSGI environment."""
    headers = {f"HTTP_{k.decode().upper().replace('-', '_')}": v.decode() for k, v in scope["headers"]}
    return headers | {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/api/teams", "QUERY_STRING": "page=2",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(),
    }  # fmt: skip


def wsgi(application: Any) -> Callable[[dict[str, Any]], None]:
    """Has a WSGI application answer."""

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        assert status == "200 OK"

    def send(environ: dict[str, Any]) -> None:
        b"".join(application(environ.copy(), start_response))

    return send


def plain_application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def flask_application() -> Any:
    """A Flask application whose view answers at once."""
    from flask import Flask

    app = Flask("bench")
    app.add_url_rule("/api/teams", view_func=lambda: "hello", endpoint="teams")
    return app


def with_clerk(app: Any, config: ClerkConfig) -> Any:
    from clerk_middleware_flask import Clerk

    Clerk(app, config)
    return app


def django_middleware(config: ClerkConfig) -> tuple[Callable[[Any], object], Callable[[Any], object]]:
    """`ClerkMiddleware` around a view that answers at once, and that view alone."""
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import HttpRequest, HttpResponse

    settings.configure(CLERK={"CONFIG": config}, ALLOWED_HOSTS=["example.com"])
    django.setup()
    from clerk_middleware_django.middleware import ClerkMiddleware

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("hello")

    def run(answer: Any) -> Callable[[dict[str, Any]], None]:
        def send(environ: dict[str, Any]) -> None:
            assert answer(WSGIRequest(environ.copy())).status_code == 200

        return send

    return run(ClerkMiddleware(view)), run(view)


def contenders() -> dict[str, tuple[Callable[[Any], object], list[Any]]]:
    """What is measured, and the inputs that it is given one by one."""
    config = ClerkConfig(
        publishable_key="pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", secret_key="sk_live_" + "x" * 42,
        jwt_key=public_pem, authorized_parties=[ORIGIN],
    )  # fmt: skip
    ours = Authenticator(config)
    forgetful = Authenticator(config, remembered_tokens=0)
    asynchronous = AsyncAuthenticator(config)
    official = AuthenticateRequestOptions(jwt_key=public_pem, authorized_parties=[ORIGIN])

    def authenticate(authenticator: Authenticator) -> Callable[[dict[str, Any]], None]:
        def run(scope: dict[str, Any]) -> None:
            auth = authenticator.authenticate_request(ClerkRequest.from_asgi(scope)).to_auth()
            assert auth.has(permission="org:teams:manage")

        return run

    def run_async(scope: dict[str, Any]) -> None:
        # Driven by hand: what asyncio itself costs is not ours to measure.
        coroutine = asynchronous.authenticate_request(ClerkRequest.from_asgi(scope))
        try:
            coroutine.send(None)
        except StopIteration as end:
            auth = end.value.to_auth()
        assert auth.has(permission="org:teams:manage")

    def run_official(request: httpx.Request) -> None:
        assert authenticate_request(request, official).is_signed_in

    def run_pyjwt(text: str) -> None:
        jwt.decode(text, public_key, algorithms=["RS256"])

    def run_rsa(signed: tuple[bytes, bytes]) -> None:
        public_key.verify(signed[1], signed[0], PADDING, SHA256)

    run_django, run_bare_django = django_middleware(config)
    run_wsgi, run_bare_wsgi = wsgi(ClerkMiddleware(plain_application, config)), wsgi(plain_application)
    run_flask, run_bare_flask = wsgi(with_clerk(flask_application(), config)), wsgi(flask_application())
    tokens = [token(number) for number in range(CALLS)]
    repeated = tokens[:1] * CALLS
    signed = [_signed(text) for text in tokens]
    requests = [httpx.Request("GET", ORIGIN, headers={"Authorization": f"Bearer {text}"}) for text in tokens]
    return {
        "RSA-2048 verify, prepared key": (run_rsa, signed),
        "header, new token": (authenticate(forgetful), [in_header(text) for text in tokens]),
        "header, repeated token": (authenticate(ours), [in_header(text) for text in repeated]),
        "cookie, new token": (authenticate(forgetful), [in_cookie(text) for text in tokens]),
        "cookie, repeated token": (authenticate(ours), [in_cookie(text) for text in repeated]),
        "async, header, repeated token": (run_async, [in_header(text) for text in repeated]),
        "WSGI: a response, no middleware": (run_bare_wsgi, [environ(in_header(text)) for text in repeated]),
        "WSGI: with it, header, repeated": (run_wsgi, [environ(in_header(text)) for text in repeated]),
        "WSGI: with it, cookie, repeated": (run_wsgi, [environ(in_cookie(text)) for text in repeated]),
        "Flask: a response, no Clerk": (run_bare_flask, [environ(in_header(text)) for text in repeated]),
        "Flask: with it, header, repeated": (run_flask, [environ(in_header(text)) for text in repeated]),
        "Flask: with it, cookie, repeated": (run_flask, [environ(in_cookie(text)) for text in repeated]),
        "Django: a response, no middleware": (
            run_bare_django,
            [environ(in_header(text)) for text in repeated],
        ),
        "Django: with it, header, repeated": (run_django, [environ(in_header(text)) for text in repeated]),
        "Django: with it, cookie, repeated": (run_django, [environ(in_cookie(text)) for text in repeated]),
        "PyJWT decode, prepared key": (run_pyjwt, tokens),
        "clerk-backend-api, new token": (run_official, requests),
        "clerk-backend-api, repeated token": (run_official, requests[:1] * CALLS),
    }


PADDING, SHA256 = padding.PKCS1v15(), hashes.SHA256()


def _signed(text: str) -> tuple[bytes, bytes]:
    signing_input, _, signature = text.rpartition(".")
    return signing_input.encode(), jwt.utils.base64url_decode(signature)


def measure() -> dict[str, float]:
    """Seconds a call, the best round of each."""
    measured = contenders()
    best = dict.fromkeys(measured, float("inf"))
    for _ in range(ROUNDS):
        for name, (run, inputs) in measured.items():
            start = time.perf_counter()
            for item in inputs:
                run(item)
            best[name] = min(best[name], (time.perf_counter() - start) / len(inputs))
    return best


def import_seconds(statement: str) -> float:
    code = f"import time; s = time.perf_counter(); {statement}; print(time.perf_counter() - s)"
    runs = [subprocess.check_output([sys.executable, "-I", "-c", code]) for _ in range(9)]
    return min(map(float, runs))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit non-zero where a target is missed")
    arguments = parser.parse_args()
    seconds = measure()
    unit = seconds["RSA-2048 verify, prepared key"]
    missed = False
    for name, value in seconds.items():
        ratio, target = value / unit, TARGETS.get(name)
        missed |= target is not None and ratio > target
        goal = f"   target {target}×" if target else ""
        print(f"{name:36} {value * 1e6:7.1f} µs {ratio:6.2f}×{goal}")
    ours = import_seconds("import clerk_middleware")
    base = import_seconds(
        "import cryptography.hazmat.primitives.asymmetric.rsa, cryptography.hazmat.primitives.serialization"
    )
    print(
        f"{'import clerk_middleware':36} {ours * 1e3:7.1f} ms {ours / base:6.2f}× cryptography   target 1.5×"
    )
    missed |= ours > base * 1.5
    return int(missed and arguments.check)


if __name__ == "__main__":
    sys.exit(main())

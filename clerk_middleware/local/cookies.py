"""The ``Set-Cookie`` lines that a handshake and a refresh hand to the application."""

from __future__ import annotations

from typing import Literal

from .instance import Instance
from .records import Client, Session
from .tokens import TokenIssuer

__all__ = ["ResultFormat", "handshake_directives", "refresh_cookies", "set_cookie", "uat_cookies"]

ResultFormat = Literal["nonce", "token"]

_YEAR = 365 * 24 * 60 * 60
_SAFE = frozenset("!#$%&'()*+-./:<=>?@[]^_`{|}~")


def set_cookie(
    name: str, value: str, *, max_age: int = _YEAR, http_only: bool = False, secure: bool = False
) -> str:
    """One ``Set-Cookie`` line (RFC 6265) for the whole site; ``max_age=0`` expires the cookie."""
    if not all(
        character.isascii() and (character.isalnum() or character in _SAFE) for character in name + value
    ):
        raise ValueError(f"the value of the cookie {name!r} has characters that a cookie cannot hold")
    line = f"{name}={value}; Path=/; Max-Age={max_age}; SameSite=Lax"
    return line + ("; HttpOnly" if http_only else "") + ("; Secure" if secure else "")


def uat_cookies(
    instance: Instance, client: Client, *, suffixed: bool = True, secure: bool = False
) -> list[str]:
    """``__client_uat``: when the browser's client last changed, 0 for one that is signed out."""
    # Never later than now, although the clock may have been set back: each token would count as too old.
    value = int(min(client.updated_at, instance.clock())) if instance.session_of(client) else 0
    return [
        set_cookie(name, str(value), secure=secure) for name in _names(instance, "__client_uat", suffixed)
    ]


def handshake_directives(
    instance: Instance, issuer: TokenIssuer, client: Client, *, origin: str, result: ResultFormat
) -> list[str]:
    """What a handshake tells the application to set, plain and suffixed, for the client of the browser."""
    secure = origin.startswith("https:")
    lines = uat_cookies(instance, client, secure=secure)
    refresh = f"__refresh_{instance.cookie_suffix}"
    if session := instance.session_of(client):
        token = issuer.session_token(session, authorized_party=origin)
        lines += [set_cookie(name, token, secure=secure) for name in _names(instance, "__session")]
        lines.append(set_cookie(refresh, session.refresh_token, http_only=True, secure=secure))
    else:
        lines += [set_cookie(name, "", max_age=0, secure=secure) for name in _names(instance, "__session")]
        lines.append(set_cookie(refresh, "", max_age=0, http_only=True, secure=secure))
    if instance.is_development:
        return lines + [
            set_cookie(name, client.token, secure=secure) for name in _names(instance, "__clerk_db_jwt")
        ]
    # In production the result travels in a cookie: left there, the next request would replay it.
    name = "__clerk_handshake_nonce" if result == "nonce" else "__clerk_handshake"
    return [*lines, set_cookie(name, "", max_age=0, http_only=True, secure=secure)]


def refresh_cookies(
    instance: Instance, issuer: TokenIssuer, session: Session, *, origin: str, suffixed: bool
) -> list[str]:
    """What a refresh answers: a new session token, and when the client last changed."""
    secure = origin.startswith("https:")
    token = issuer.session_token(session, authorized_party=origin)
    lines = [set_cookie(name, token, secure=secure) for name in _names(instance, "__session", suffixed)]
    return lines + (
        uat_cookies(instance, session.client, suffixed=suffixed, secure=secure) if session.client else []
    )


def _names(instance: Instance, name: str, suffixed: bool = True) -> list[str]:
    return [name, f"{name}_{instance.cookie_suffix}"] if suffixed else [name]

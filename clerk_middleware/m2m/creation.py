"""Having Clerk make a token: what is asked for, and what comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..backend.calls import create_m2m_token, unix_time
from ..errors import BackendAPIError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ..backend.calls import BackendAnswer, BackendCall, Flow
    from ..config import ClerkConfig

TokenFormat = Literal["opaque", "jwt"]


@dataclass(frozen=True, kw_only=True, slots=True)
class M2MToken:
    """A token that was made for this machine. Its repr hides the token."""

    #: What to send, as ``Authorization: Bearer …``.
    token: str = field(repr=False)
    #: ``mt_…``
    id: str
    #: This machine.
    subject: str
    #: The machines that it is meant for.
    scopes: tuple[str, ...]
    claims: Mapping[str, Any] | None
    #: When it ends, in Unix seconds; `None` for never.
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `M2MTokens.create_token` is given."""

    seconds_until_expiration: int | None
    claims: Mapping[str, Any] | None
    token_format: TokenFormat
    machine_secret_key: str | None = field(default=None, repr=False)


def create(wanted: Wanted, config: ClerkConfig) -> Flow[M2MToken]:
    return token_of((yield call_for(wanted, config)))


def call_for(
    wanted: Wanted,
    config: ClerkConfig,
    *,
    share: Hashable = None,
    is_settled: Callable[[], bool] | None = None,
) -> BackendCall:
    key = wanted.machine_secret_key or config.machine_secret_key
    if key is None:
        raise ConfigurationError(
            "M2M tokens are made with machine_secret_key (CLERK_MACHINE_SECRET_KEY), which is not set: copy "
            "it from 'Machines' in the Clerk Dashboard",
            option="machine_secret_key",
        )
    body = {
        "seconds_until_expiration": wanted.seconds_until_expiration,
        "claims": dict(wanted.claims) if wanted.claims is not None else None,
        "token_format": wanted.token_format,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return create_m2m_token(config, key, given, share=share, is_settled=is_settled)


def token_of(answer: BackendAnswer) -> M2MToken:
    texts = [answer.field(name) for name in ("token", "id", "subject")]
    scopes, claims, expiration = (answer.field(name) for name in ("scopes", "claims", "expiration"))
    if not all(isinstance(text, str) and text for text in texts):
        if answer.status is None:
            raise BackendAPIError(f"Clerk's Backend API did not answer ({answer.problem})")
        code = f", {answer.error_code}" if answer.error_code else ""
        hint = ": is machine_secret_key that of a machine of this instance?" if answer.status == 401 else ""
        raise BackendAPIError(
            f"Clerk's Backend API made no M2M token ({answer.status}{code}){hint}",
            status=answer.status,
            code=answer.error_code,
        )
    token, id, subject = texts
    try:
        expires_at = unix_time(expiration) if expiration is not None else None
    except TypeError:
        raise BackendAPIError(
            "Clerk's Backend API made an M2M token, but does not say when it ends"
        ) from None
    return M2MToken(
        token=token,
        id=id,
        subject=subject,
        scopes=tuple(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, list) else (),
        claims=claims if isinstance(claims, dict) else None,
        expires_at=expires_at,
    )

"""``WWW-Authenticate``: what a client that was refused may do about it (RFC 6750, 3; RFC 9728, 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .oauth_resources import metadata_url_for
from .tokens.classes import is_accepted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .state import RequestState
    from .tokens.classes import AcceptsToken


def bearer_challenge(
    state: RequestState | None, accepts_token: AcceptsToken, error: str | None, scopes: Sequence[str] = ()
) -> str:
    """The header's value.

    :param error: ``invalid_token`` or ``insufficient_scope``, `None` where no token came.
    :param scopes: those that are needed.
    """
    parameters = {"error": error, "scope": " ".join(scopes) or None}
    if state is not None and is_accepted("oauth_token", accepts_token):
        parameters["resource_metadata"] = metadata_url_for(state.config, state.request.url)
    given = ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value is not None)
    return f"Bearer {given}".rstrip()

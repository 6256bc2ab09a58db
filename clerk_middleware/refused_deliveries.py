"""Webhooks that never reach their receiver, because the application has their path need a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .logging import OccasionalWarnings

if TYPE_CHECKING:
    from .state import RequestState

_SIGNATURES: Final = ("svix-signature", "webhook-signature")

_warnings = OccasionalWarnings()


def explain_refused_delivery(state: RequestState) -> None:
    """Say in the log what to do, where a request that is refused looks like a webhook's delivery."""
    request = state.request
    if request.method == "POST" and any(request.header(name) is not None for name in _SIGNATURES):
        _warnings.log(
            "webhook",
            "Clerk: what looks like a webhook's delivery to %r was refused, since the path needs a session. "
            "Its signature is what protects a webhook: name the path in public_routes, or take it out of "
            "what protects it.",
            request.url.path,
        )

"""The Content Security Policy of a response, and the nonce of its scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import escape
from werkzeug.exceptions import SecurityError

from clerk_middleware.csp import ResponsePolicy

from .identity import UNKNOWN, Identity, clerk_request, runtime_in_use

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from .runtime import Runtime


def csp_nonce() -> str:
    """What the scripts of this response need as ``nonce``; empty unless the policy is strict.

    Templates have it as ``csp_nonce``, too: ``<script nonce="{{ csp_nonce }}">``.

    :raises ConfigurationError: if the application has no `Clerk`.
    """
    identity = Identity.of_request()
    policy = identity.state.policy if identity.state is not None else _of_error_page(identity)
    return (policy.nonce if policy is not None else None) or ""


def add_nonce(names: MutableMapping[str, Any]) -> None:
    """Give templates `csp_nonce`, unless the application calls something else so.

    :param names: what every template knows. A function of that name, such as Flask-Talisman's, is asked where
        there is no nonce of ours; ours is in every policy, and its own not always.
    """
    earlier = names.setdefault("csp_nonce", _Nonce())
    if not isinstance(earlier, _Nonce) and callable(earlier):
        names["csp_nonce"] = _Nonce(earlier)


class _Nonce:
    """`csp_nonce` in templates: the text itself, as it is in those of other frameworks, and a function."""

    def __init__(self, other: Callable[[], object] | None = None) -> None:
        self._other = other

    def __call__(self) -> str:
        return csp_nonce() or (str(self._other()) if self._other is not None else "")

    def __str__(self) -> str:
        return self()

    def __html__(self) -> str:
        return escape(self())

    def __bool__(self) -> bool:
        return bool(self())


def policy_of_unknown(identity: Identity | None) -> ResponsePolicy | None:
    """That of a page for a request that was not authenticated.

    :param identity: `None` where nothing asked for it.
    """
    return _made(runtime_in_use()) if identity is None else _of_error_page(identity)


def _of_error_page(identity: Identity) -> ResponsePolicy | None:
    if identity.error_policy is None:
        identity.error_policy = _made(identity.runtime)
    return identity.error_policy


def _made(runtime: Runtime) -> ResponsePolicy | None:
    try:
        seen = clerk_request()
    except SecurityError:
        seen = UNKNOWN
    try:
        config = runtime.authenticator.config_for(seen)
    except Exception:  # which may be what the page is about
        return None
    return ResponsePolicy.of(config, seen.url.origin)

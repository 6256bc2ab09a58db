"""``Security(..., scopes=[...])``: asked of machines as scopes of their token, of sessions as permissions."""

from collections.abc import Sequence

from clerk_middleware import Auth, MachineAuth, SessionAuth
from clerk_middleware.asgi_scope import Scope, require
from clerk_middleware.protection import InsufficientScope, Requirement
from clerk_middleware.scopes import is_of_sessions


def check(
    scope: Scope,
    requirement: Requirement,
    auth: Auth,
    scopes: Sequence[str],
    *,
    excuse_sessions: bool = False,
) -> SessionAuth | MachineAuth:
    """Check *requirement*, with *scopes* besides its own.

    :param excuse_sessions: whether those that only machines can have are not asked of a session.
    :raises AuthorizationError: if it is not met.
    """
    if scopes:
        requirement = requirement.with_scopes(scopes)
    found = require(scope, requirement, auth)
    if isinstance(found, SessionAuth):
        asked = [each for each in scopes if is_of_sessions(each) or not excuse_sessions]
        missing = [each for each in asked if each not in found.scopes]
        if missing:
            names = " and ".join(map(repr, missing))
            raise InsufficientScope(
                f"the session lacks the scope {names}", auth=found, requirement=requirement
            )
    return found

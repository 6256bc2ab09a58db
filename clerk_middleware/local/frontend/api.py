"""The Frontend API, put together."""

from __future__ import annotations

from pathlib import Path

from ..browser import Browsers
from ..instance import Instance
from ..origins import OriginPolicy
from ..sign_ins import SignIns
from ..tokens import TokenIssuer
from ..user_access import UserAccess
from .account_api import AccountAPI
from .clients import Clients
from .environment import Environment
from .guard import FrontendGuard
from .handshake import Handshake
from .npm_files import NpmFiles
from .resources import Resources
from .sessions import Sessions
from .sign_in_endpoints import SignInEndpoints
from .sign_up_endpoints import SignUpEndpoints
from .sign_ups import SignUps

__all__ = ["FrontendAPI"]


class FrontendAPI:
    """What browsers ask LocalClerk, by clerk-js or on their way to an application."""

    def __init__(
        self,
        instance: Instance,
        issuer: TokenIssuer,
        browsers: Browsers,
        origins: OriginPolicy,
        directory: UserAccess,
        node_modules: Path | None,
    ) -> None:
        sign_ins, sign_ups = SignIns(instance), SignUps(instance, directory)
        resources = Resources(instance, issuer, directory, sign_ins, sign_ups)
        guard = FrontendGuard(instance, browsers, origins, resources)
        self.routes = [
            *Handshake(instance, issuer, browsers, origins).routes,
            *Environment(instance, guard).routes,
            *Clients(instance, guard, resources).routes,
            *SignInEndpoints(instance, sign_ins, guard, resources).routes,
            *SignUpEndpoints(instance, sign_ups, guard, resources).routes,
            *Sessions(instance, issuer, guard, resources).routes,
            *AccountAPI(instance, directory, guard, resources).routes,
            *NpmFiles(node_modules).routes,
        ]

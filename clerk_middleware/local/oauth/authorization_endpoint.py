"""``/oauth/authorize``: has the user sign in, asks what the application may do, and tells it the answer."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..browser import Browsers
from ..instance import Instance
from ..origins import own_url
from ..records import Session
from ..rendering import PageRenderer, no_store, read_form
from .authorization_request import (
    AUTHORIZE_PATH,
    AuthorizationRequest,
    AuthorizationWay,
    read_request,
    read_way,
)
from .endpoint import OAuthError
from .grants import Grant
from .redirect_uris import destination, form_source, with_answer
from .scopes import CLERK_SCOPES

__all__ = ["AuthorizationEndpoint"]


class AuthorizationEndpoint:
    """The one page of OAuth. Its form repeats the whole request, which is read anew."""

    def __init__(self, instance: Instance, browsers: Browsers, renderer: PageRenderer) -> None:
        self._instance = instance
        self._browsers = browsers
        self._renderer = renderer
        self.routes = [
            Route(AUTHORIZE_PATH, self.authorize, methods=["GET"]),
            Route(AUTHORIZE_PATH, self.decide, methods=["POST"]),
        ]

    async def authorize(self, request: Request) -> Response:
        """Ask the user, who is signed in first; or don't, for an application that needs no consent."""
        way = read_way(self._instance, request.query_params)
        try:
            asked = read_request(way.application, request.query_params)
            session = self._session(request)
            if session is None:
                if "none" in asked.prompts:
                    raise OAuthError("login_required", "Nobody is signed in.")
                return no_store(RedirectResponse(_sign_in_url(request), 303))
            if not way.application.consent_screen and "consent" not in asked.prompts:
                return self._grant(request, way, asked, session)
            if "none" in asked.prompts:
                raise OAuthError("consent_required", "The user has to be asked.")
        except OAuthError as refused:
            return self._refuse(request, way, refused)
        return self._consent_page(request, way, asked, session)

    async def decide(self, request: Request) -> Response:
        """What the user chose on the page, if it is still the user who was asked."""
        form = await read_form(request)
        way = read_way(self._instance, request.query_params)
        try:
            asked = read_request(way.application, request.query_params)
            session = self._session(request)
            if session is None:
                return no_store(RedirectResponse(_sign_in_url(request), 303))
            if form.get("decision") == "deny":
                raise OAuthError("access_denied", "The user does not allow it.")
            if form.get("decision") != "allow" or form.get("user_id") != session.user_id:
                return self._consent_page(request, way, asked, session)
        except OAuthError as refused:
            return self._refuse(request, way, refused)
        return self._grant(request, way, asked, session)

    def _session(self, request: Request) -> Session | None:
        client = self._browsers.find(request, in_query=False)
        session = self._instance.session_of(client) if client else None
        return session if session and not session.tasks else None

    def _consent_page(
        self, request: Request, way: AuthorizationWay, asked: AuthorizationRequest, session: Session
    ) -> Response:
        return self._renderer.page(
            request,
            "consent.html",
            session=session,
            form_action=form_source(way.redirect_uri),
            application=way.application,
            destination=destination(way.redirect_uri),
            scopes={scope: CLERK_SCOPES.get(scope) for scope in asked.scopes},
            resources=asked.resources,
            sign_in_url=_sign_in_url(request),
        )

    def _grant(
        self, request: Request, way: AuthorizationWay, asked: AuthorizationRequest, session: Session
    ) -> Response:
        grant = Grant(
            application=way.application,
            user_id=session.user_id,
            scopes=asked.scopes,
            resources=asked.resources,
            nonce=asked.nonce,
            signed_in_at=session.first_factor_at,
        )
        code = self._instance.grants.new_code(
            grant, redirect_uri=way.redirect_uri, code_challenge=asked.code_challenge
        )
        return no_store(RedirectResponse(_answer_url(request, way, code=code), 303))

    def _refuse(self, request: Request, way: AuthorizationWay, refused: OAuthError) -> Response:
        """The application is told, but not by whoever follows a link.

        Any page can register an application and send a browser here: LocalClerk would redirect to wherever
        the page likes, without that anybody was asked (RFC 9700, section 4.11.2).
        """
        target = _answer_url(request, way, error=refused.code, error_description=refused.description)
        if way.application.is_dynamic and not way.application.is_used:
            return self._renderer.page(
                request,
                "refused.html",
                status=400,
                application=way.application,
                refused=refused,
                destination=destination(way.redirect_uri),
                target=target,
            )
        return no_store(RedirectResponse(target, 303))


def _answer_url(request: Request, way: AuthorizationWay, **answer: str) -> str:
    """Back to the application, which learns by ``iss`` whose answer it is."""
    state = {} if way.state is None else {"state": way.state}
    return with_answer(way.redirect_uri, answer | state | {"iss": own_url(request)})


def _sign_in_url(request: Request) -> str:
    """The sign-in page, which comes back to this very request."""
    here = f"{own_url(request)}{AUTHORIZE_PATH}?{request.url.query}"
    return f"{request.scope.get('root_path', '')}/sign-in?{urlencode({'redirect_url': here})}"

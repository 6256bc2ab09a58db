"""The pages that a person sees: sign in, sign out, switch organization, verify again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .browser import Browsers
from .factors import is_right, right_code
from .instance import Instance
from .oauth.authorization_request import authorization_at, is_authorization
from .oauth.redirect_uris import form_source
from .origins import OriginPolicy, RedirectRefused, own_url, with_query
from .records import Client, Session
from .rendering import PageRenderer, no_store, read_form
from .rules import Refused
from .seed import User
from .sign_ins import SignIns

__all__ = ["Pages"]


class Pages:
    """LocalClerk's own pages. Each takes a ``redirect_url`` and returns there when it is done."""

    def __init__(
        self, instance: Instance, browsers: Browsers, origins: OriginPolicy, renderer: PageRenderer
    ) -> None:
        self._instance = instance
        self._sign_ins = SignIns(instance)
        self._browsers = browsers
        self._origins = origins
        self._renderer = renderer
        both = ["GET", "POST"]
        self.routes = [
            Route("/", self.home, methods=["GET"]),
            Route("/application", self.application, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=both),
            Route("/sign-in/factor-two", self.second_factor, methods=both),
            Route("/sign-in/create", self.sign_up, methods=["GET"]),
            Route("/sign-up", self.sign_up, methods=["GET"]),
            Route("/sign-out", self.sign_out, methods=both),
            Route("/switch-organization", self.switch_organization, methods=both),
            Route("/verify", self.verify, methods=both),
        ]

    async def home(self, request: Request) -> Response:
        """Who is signed in, and where to go from here."""
        _, session = self._signed_in(request)
        application = self._application_of(session)
        name = urlsplit(application).netloc if application else None
        return self._page(request, "home.html", session=session, application=name)

    async def application(self, request: Request) -> Response:
        """Back to the application that last asked for a token, so that it asks for another."""
        client, session = self._signed_in(request)
        application = self._application_of(session)
        if client is None or application is None:
            return self._to(request, "/")
        return self._back(request, client, f"{application}/")

    async def sign_in(self, request: Request) -> Response:
        """Choose a user of the seed and give the password."""
        redirect_url = self._redirect_url(request)
        if request.method != "POST":
            _, session = self._signed_in(request)
            if session and session.tasks:
                return self._to(request, "/switch-organization")
            return self._sign_in_page(request)
        form = await read_form(request)
        user_id, client = form.get("user_id", ""), self._browsers.find_or_create(request)
        user = self._instance.users.get(user_id)
        try:
            if user:
                self._sign_ins.begin(client, user)
        except Refused as refused:
            return self._sign_in_page(request, chosen=user_id, error=str(refused))
        if not user or not self._sign_ins.attempt_first_factor(client, "password", form.get("password", "")):
            error = "That password is not right." if user_id else "Choose who you are."
            response = self._sign_in_page(request, chosen=user_id, error=error)
        elif client.sign_in:
            response = self._to(request, "/sign-in/factor-two")
        else:
            return self._back(request, client, redirect_url)
        self._browsers.remember(request, response, client)
        return response

    async def second_factor(self, request: Request) -> Response:
        """Give the second factor that follows the password."""
        redirect_url = self._redirect_url(request)
        client = self._browsers.find(request)
        user = self._sign_ins.awaiting_second_factor(client) if client else None
        if client is None or user is None:
            return self._to(request, "/sign-in")
        if request.method != "POST":
            return self._second_factor_page(request, user)
        form = await read_form(request)
        try:
            if self._sign_ins.attempt_second_factor(client, "totp", form.get("code", "")):
                return self._back(request, client, redirect_url)
        except Refused as refused:
            return self._sign_in_page(request, chosen=user.id, error=str(refused))
        if client.sign_in is None:
            return self._sign_in_page(request, chosen=user.id, error="Too many wrong codes: begin again.")
        return self._second_factor_page(request, user, error="That code is not right.")

    async def sign_up(self, request: Request) -> Response:
        """Users come from the seed, and this page says so."""
        self._redirect_url(request)
        return self._page(request, "sign_up.html")

    async def sign_out(self, request: Request) -> Response:
        """Ask, then end the session. An application's own button may post here directly."""
        redirect_url = self._redirect_url(request)
        client, session = self._signed_in(request)
        if request.method != "POST" and session:
            return self._page(request, "sign_out.html", session=session)
        if request.method == "POST":
            await read_form(request, applications=self._origins)
            if client:
                self._instance.sign_out(client)
        return self._back(request, client or self._instance.new_client(), redirect_url)

    async def switch_organization(self, request: Request) -> Response:
        """Choose the active organization, or the personal account."""
        redirect_url = self._redirect_url(request)
        client, session = self._signed_in(request)
        if client is None or session is None:
            return self._to(request, "/sign-in")
        if request.method == "POST":
            chosen = (await read_form(request)).get("organization_id")
            if chosen is not None and self._instance.activate(session, chosen):
                return self._back(request, client, redirect_url)
            return self._organizations_page(request, session, error="Choose an organization from the list.")
        return self._organizations_page(request, session)

    async def verify(self, request: Request) -> Response:
        """Prove again who one is: the factors that are given count as verified just now.

        ``level`` in the query says which are asked for: ``first_factor``, ``second_factor`` (the first
        for a user who has no second) or, as without it, all that the user has.
        """
        redirect_url = self._redirect_url(request)
        client, session = self._signed_in(request)
        if client is None or session is None:
            return self._to(request, "/sign-in")
        user = self._instance.users[session.user_id]
        level = request.query_params.get("level")
        asked = {
            "ask_password": not (level == "second_factor" and user.has_second_factor),
            "ask_code": user.has_second_factor and level != "first_factor",
        }
        now = self._instance.clock()
        code = right_code(user, now=now)
        if request.method != "POST":
            return self._page(request, "verify.html", session=session, right_code=code, **asked)
        form = await read_form(request)
        first, second = asked["ask_password"], asked["ask_code"]
        failures = self._instance.failures
        if failures.are_too_many(session.id):
            error = "Too many wrong answers: wait for ten minutes, or sign out and in again."
        elif (not first or is_right(user, "password", form.get("password", ""), now=now)) and (
            not second or is_right(user, "totp", form.get("code", ""), now=now)
        ):
            failures.forget(session.id)
            self._instance.verified_again(session, first=first, second=second)
            return self._back(request, client, redirect_url)
        else:
            failures.note(session.id)
            error = "That password or code is not right." if all(asked.values()) else "That is not right."
        return self._page(
            request, "verify.html", status=422, session=session, right_code=code, error=error, **asked
        )

    def _application_of(self, session: Session | None) -> str | None:
        """The origin of the application that last asked for a token, if one may be sent there."""
        origin = session.authorized_party if session else None
        return origin if origin and self._origins.allows(origin) else None

    def _signed_in(self, request: Request) -> tuple[Client | None, Session | None]:
        client = self._browsers.find(request)
        return client, self._instance.session_of(client) if client else None

    def _sign_in_page(self, request: Request, *, chosen: str = "", error: str | None = None) -> Response:
        users = list(self._instance.users.values())
        return self._page(
            request,
            "sign_in.html",
            status=422 if error else 200,
            users=users,
            roles={user.id: self._roles_of(user.id) for user in users},
            chosen=chosen or (users[0].id if users else ""),
            error=error,
        )

    def _second_factor_page(self, request: Request, user: User, error: str | None = None) -> Response:
        return self._page(
            request,
            "second_factor.html",
            status=422 if error else 200,
            user=user,
            right_code=right_code(user, now=self._instance.clock()),
            error=error,
        )

    def _roles_of(self, user_id: str) -> str:
        roles = self._instance.seed.roles
        memberships = self._instance.organizations_of(user_id)
        return ", ".join(f"{roles[o.members[user_id]].name} at {o.name}" for o in memberships)

    def _organizations_page(self, request: Request, session: Session, error: str | None = None) -> Response:
        return self._page(
            request,
            "switch_organization.html",
            status=422 if error else 200,
            session=session,
            organizations=self._instance.organizations_of(session.user_id),
            has_personal_account=not self._instance.seed.force_organization_selection,
            error=error,
        )

    def _redirect_url(self, request: Request) -> str | None:
        redirect_url = request.query_params.get("redirect_url")
        if not redirect_url:
            return None
        try:
            return self._origins.redirect_url(redirect_url, own=own_url(request))
        except RedirectRefused as refused:
            raise HTTPException(400, f"The redirect_url is refused: {refused}.") from refused

    def _to(self, request: Request, path: str) -> Response:
        """Another page of LocalClerk, with this one's query."""
        return no_store(RedirectResponse(self._path(request, path), 303))

    def _path(self, request: Request, path: str) -> str:
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{request.scope.get('root_path', '')}{path}{query}"

    def _back(self, request: Request, client: Client, redirect_url: str | None) -> Response:
        """Return to the application, in a way that makes it ask who is signed in."""
        root = request.scope.get("root_path", "")
        session = self._instance.session_of(client)
        if session and session.tasks:
            target = self._path(request, "/switch-organization")
        elif redirect_url is None:
            target = f"{root}/"
        elif is_authorization(request, redirect_url):
            target = redirect_url  # which is LocalClerk's own, and reads its own cookie
        elif self._instance.is_development:
            target = with_query(redirect_url, __clerk_db_jwt=client.token)
        else:
            query = urlencode({"redirect_url": redirect_url, "format": "nonce"})
            target = f"{root}/v1/client/handshake?{query}"
        response = no_store(RedirectResponse(target, 303))
        self._browsers.remember(request, response, client)
        return response

    def _page(self, request: Request, template: str, **context: Any) -> Response:
        redirect_url = request.query_params.get("redirect_url", "")
        returns_to, form_action = None, None
        if authorization := authorization_at(request, redirect_url, self._instance.oauth_applications):
            application, redirect_uri = authorization
            returns_to, form_action = application.name, form_source(redirect_uri)
        elif self._origins.allows(redirect_url):
            returns_to = urlsplit(redirect_url).netloc.lower()
        return self._renderer.page(
            request, template, returns_to=returns_to, form_action=form_action, **context
        )

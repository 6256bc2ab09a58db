"""The application, put together. Start reading here, then pages.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from clerk_middleware import AsyncAuthenticator, ClerkConfig
from clerk_middleware_fastapi import ClerkMiddleware
from example_apps.fleet import STATIC
from example_apps.fleet.companies import Fleet
from example_apps.fleet.components import components_of
from example_apps.fleet.headers import CONTENT_SECURITY_POLICY
from example_apps.fleet.machines import OAUTH_RESOURCES, OAUTH_SCOPES
from example_apps.fleet.paths import ORGANIZATION_PATTERNS, PERSONAL_ACCOUNT_PATTERNS
from example_apps.fleet.roster import Roster

from . import account, api, company, live, loads, machines, pages
from .errors import add_error_pages
from .security import SecurityHeaders
from .webhooks import receiver


def create_app(config: ClerkConfig | None = None, *, verify_url: str | None = None) -> FastAPI:
    """Make the application.

    :param config: default: from the ``CLERK_…`` environment variables.
    :param verify_url: a page where users prove again who they are, and that returns to ``redirect_url``.
    :raises ConfigurationError: naming the variable that is missing or wrong.
    """
    config = replace(
        config or ClerkConfig.from_env(),
        organization_patterns=ORGANIZATION_PATTERNS,
        personal_account_patterns=PERSONAL_ACCOUNT_PATTERNS,
        # Any token that a route asks for; a route that says nothing of it lets in people alone.
        accepts_token="any",
        oauth_resources=OAUTH_RESOURCES,
        oauth_scopes=OAUTH_SCOPES,
        content_security_policy=CONTENT_SECURITY_POLICY,
    )
    authenticator = AsyncAuthenticator(config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with authenticator:  # closes its connections to Clerk
            yield

    app = FastAPI(title="Fleet", lifespan=lifespan)
    app.state.fleet = Fleet()
    app.state.roster = Roster()
    app.state.clerk = authenticator  # signing out needs it, too
    app.state.verify_url = verify_url
    app.state.components = components_of(config)

    # The middleware that is added last sees a request first.
    app.add_middleware(ClerkMiddleware, authenticator=authenticator)
    app.add_middleware(SecurityHeaders, config=config)

    for module in (pages, loads, company, account, api, machines, live):
        app.include_router(module.router)
    app.include_router(receiver(app.state.roster).router("/webhooks/clerk"))
    add_error_pages(app)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app

"""The application, put together. Start reading here, then pages.py."""

import secrets
from dataclasses import replace

from flask import Blueprint, Flask
from jinja2 import StrictUndefined

from clerk_middleware import ClerkConfig
from example_apps.fleet import SHARED_TEMPLATES, STATIC, TEMPLATES
from example_apps.fleet.companies import Fleet, name_of
from example_apps.fleet.components import components_of
from example_apps.fleet.headers import CONTENT_SECURITY_POLICY
from example_apps.fleet.machines import OAUTH_RESOURCES, OAUTH_SCOPES
from example_apps.fleet.paths import ORGANIZATION_PATTERNS, PERSONAL_ACCOUNT_PATTERNS
from example_apps.fleet.roster import Roster

from . import account, api, audit, company, dispatchers, drivers, machines, office, pages, tracking, webhooks
from .current import frame
from .errors import add_error_pages
from .extensions import clerk
from .security import add_security


def create_app(config: ClerkConfig | None = None, verify_url: str | None = None) -> Flask:
    """Make the application.

    :param config: default: from the ``CLERK_…`` environment variables.
    :param verify_url: a page where users prove again who they are, and that returns to ``redirect_url``.
    :raises ConfigurationError: naming the option that is missing or wrong.
    """
    app = Flask(__name__, static_folder=STATIC, static_url_path="/static")
    app.config.from_mapping(
        # Only forms are signed with it (CSRF): a new one at each start will do, of one process.
        SECRET_KEY=secrets.token_hex(),
        FLEET_VERIFY_URL=verify_url,
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.config.from_prefixed_env()  # FLASK_SECRET_KEY and others
    app.extensions["fleet"] = Fleet()
    app.extensions["roster"] = Roster()

    config = replace(
        config or ClerkConfig.from_env(),
        organization_patterns=ORGANIZATION_PATTERNS,
        personal_account_patterns=PERSONAL_ACCOUNT_PATTERNS,
        # Any token that a view asks for; a view that says nothing of it lets in people alone.
        accepts_token="any",
        oauth_resources=OAUTH_RESOURCES,
        oauth_scopes=OAUTH_SCOPES,
        content_security_policy=CONTENT_SECURITY_POLICY,
    )
    app.extensions["components"] = components_of(config)
    clerk.init_app(app, config)
    add_security(app, config)  # after Clerk: it asks who the request is

    modules = (
        pages,
        dispatchers,
        drivers,
        tracking,
        office,
        audit,
        company,
        account,
        api,
        machines,
        webhooks,
    )
    for module in modules:
        app.register_blueprint(module.blueprint)
    for name, folder in ("shared", TEMPLATES), ("components", SHARED_TEMPLATES):
        app.register_blueprint(Blueprint(name, __name__, template_folder=folder))
    add_error_pages(app)

    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["name_of"] = name_of
    app.context_processor(frame)
    return app

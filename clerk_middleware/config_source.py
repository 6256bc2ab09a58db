"""Where an authenticator has its configuration from: one `ClerkConfig`, or a function of the request."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from .config import ClerkConfig
from .errors import ConfigurationError
from .logging import logger
from .tokens.classes import is_accepted
from .validation import sign_in_on_satellite

if TYPE_CHECKING:
    from .request import ClerkRequest

    ConfigSource = ClerkConfig | Callable[[ClerkRequest], ClerkConfig]


def expect_source(config: Any) -> ConfigSource:
    """*config*, as what it has to be.

    :raises ConfigurationError: if it is something else, or can't serve requests.
    """
    if ClerkConfig in (config, getattr(config, "__self__", None)):
        raise ConfigurationError(
            "config is not called: write config=ClerkConfig.from_env(), with parentheses", option="config"
        )
    if isinstance(config, ClerkConfig):
        check_served(config)
    elif not callable(config):
        raise ConfigurationError(
            "config must be a ClerkConfig, or a function of the request that returns one, but is of type "
            f"{type(config).__name__}",
            option="config",
        )
    return config  # type: ignore[no-any-return]


def without_forwarding(config: ConfigSource, problem: Callable[[], ConfigurationError]) -> ConfigSource:
    """*config*, for a framework that decides itself which URL a request has behind a proxy.

    :param problem: makes what is raised where a configuration has ``trust_forwarded_headers``.
    """

    def checked(found: Any) -> Any:
        if isinstance(found, ClerkConfig) and found.trust_forwarded_headers:
            raise problem()
        return found

    if not callable(config) or ClerkConfig in (config, getattr(config, "__self__", None)):
        return checked(config)  # type: ignore[no-any-return]
    return lambda request: checked(config(request))


def config_for(source: ConfigSource, request: ClerkRequest) -> ClerkConfig:
    """The configuration that serves *request*; a function is asked once, and its answer kept in the request.

    :raises ConfigurationError: if it returns something else.
    """
    if isinstance(source, ClerkConfig):
        return source
    if request.config_found is not None and request.config_found[0] is source:
        return request.config_found[1]
    config = source(request)
    if not isinstance(config, ClerkConfig):
        raise ConfigurationError(
            f"the function given as config returned no ClerkConfig, but a {type(config).__name__}",
            option="config",
        )
    check_served(config)
    request.config_found = source, config
    return config


def check_served(config: ClerkConfig) -> None:
    """Look at a configuration that requests are authenticated with; warn of what is legal, but hardly meant.

    :raises ConfigurationError: for a satellite that signs in at itself.
    """
    # Not in ClerkConfig itself: where requests are not authenticated, such a path only builds links.
    if config.is_satellite and config.is_development and (config.sign_in_url or "").startswith("/"):
        raise sign_in_on_satellite(config.sign_in_url)
    if not config.authorized_parties and is_accepted("session_token", config.accepts_token):
        _warn_once(
            "Clerk: authorized_parties is not set, so a session token that was issued to any origin of this "
            "instance is accepted: also one of another application on a subdomain. Set it "
            "(CLERK_AUTHORIZED_PARTIES) to your own origins, such as https://example.com."
        )
    if config.machine_id is None and is_accepted("m2m_token", config.accepts_token):
        _warn_once(
            "Clerk: M2M tokens are accepted, and machine_id is not set, so one in JWT format is accepted of "
            "any machine of this instance, whichever it is meant for. Set it (CLERK_MACHINE_ID)."
        )
    if config.proxy is not None and config.is_development and config.fapi_url is None:
        _warn_once(
            "Clerk: frontend_api_proxy is set, and Clerk lets no development instance be proxied, so nobody "
            "can sign in. Set it (CLERK_FRONTEND_API_PROXY) in production only."
        )
    if config.fapi_url is not None and config.proxy is None:
        _warn_once(
            "Clerk: fapi_url is set, and has no effect without frontend_api_proxy. Set that "
            "(CLERK_FRONTEND_API_PROXY), or leave out fapi_url (CLERK_FAPI_URL)."
        )
    if config.content_security_policy is not None and config.publishable_key is None:
        _warn_once(
            "Clerk: content_security_policy is set, but publishable_key is not, so the policy lets no page "
            "load Clerk's JavaScript from the Frontend API. Set it (CLERK_PUBLISHABLE_KEY)."
        )
    if config.oauth_resources and not is_accepted("oauth_token", config.accepts_token):
        _warn_once(
            "Clerk: oauth_resources is set, so OAuth clients are told where to get tokens, and none is "
            "accepted: add oauth_token to accepts_token (CLERK_ACCEPTS_TOKEN)."
        )
    if config.publishable_key is None and config.sign_in_url is not None:
        _warn_once(
            "Clerk: sign_in_url is set, but publishable_key is not, so browsers that come back signed in "
            "are not known here, and are sent there again. Set it (CLERK_PUBLISHABLE_KEY)."
        )
    if config.publishable_key is not None and config.secret_key is None:
        _warn_once(
            "Clerk: publishable_key is set, but secret_key is not, so browsers can't complete a handshake or "
            "refresh their session. Set it (CLERK_SECRET_KEY), or leave out publishable_key in an API that "
            "only verifies tokens."
        )


@cache
def _warn_once(message: str) -> None:
    """Once in a process: an application may have several authenticators."""
    logger.warning(message)

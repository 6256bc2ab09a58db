"""The parts of an application that OAuth clients call (RFC 9728): what and where their metadata is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .config import ClerkConfig
    from .urls import URL

RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"


def metadata_url_for(config: ClerkConfig, url: URL) -> str | None:
    """Where the metadata of what is at *url* is, if that is one of ``oauth_resources``."""
    resource = resource_at(config, url.path)
    return f"{url.origin}{metadata_path(resource)}" if resource is not None else None


def resource_at(config: ClerkConfig, path: str) -> str | None:
    """The one of ``oauth_resources`` that *path* is in."""
    found = [given for given in config.oauth_resources if given == "/" or f"{path}/".startswith(f"{given}/")]
    return max(found, key=len) if found else None


def identifier(origin: str, resource: str) -> str:
    """What a resource is called in metadata and in the ``aud`` of tokens (RFC 8707, 2)."""
    return origin + (resource if resource != "/" else "")


def metadata_path(resource: str) -> str:
    """The path of a resource's metadata (RFC 9728, 3.1)."""
    return RESOURCE_METADATA + (resource if resource != "/" else "")


def authorization_server(config: ClerkConfig) -> str:
    """The URL of the instance's Frontend API, which is the issuer of its OAuth tokens.

    It is the configuration's alone: a proxy that is a path of this application would have a request say
    where that is.

    :raises ConfigurationError: without a publishable key.
    """
    key, proxy = config.parsed_publishable_key, config.proxy_url or ""
    if key is None:
        raise ConfigurationError(
            "OAuth clients sign in at the instance that publishable_key names, and it is not set: set "
            "CLERK_PUBLISHABLE_KEY",
            option="publishable_key",
        )
    if proxy.startswith(("http://", "https://")):
        return proxy.rstrip("/")
    if config.fapi_url is not None:
        return config.fapi_url
    return f"https://{key.frontend_api_for(config.domain, config.is_satellite)}"


def protected_resource_metadata(config: ClerkConfig, origin: str, resource: str) -> dict[str, Any]:
    """The document of RFC 9728, 2.

    :param origin: this application's, as the client sees it.
    :param resource: one of ``oauth_resources``.
    """
    metadata: dict[str, Any] = {
        "resource": identifier(origin, resource),
        "authorization_servers": [authorization_server(config)],
        "bearer_methods_supported": ["header"],
    }
    if config.oauth_scopes:
        metadata["scopes_supported"] = list(config.oauth_scopes)
    return metadata

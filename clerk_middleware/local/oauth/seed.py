"""What a seed says of OAuth: records that never change, as those of `Seed`, and reading them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..machine_seed import TokenFormat
from ..seed_reader import SeedReader
from .redirect_uris import RedirectURIRefused, check_redirect_uri
from .scopes import CLERK_SCOPES, is_scope

__all__ = ["OAuthApplicationSeed", "OAuthSettings", "oauth_applications_of", "oauth_settings_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthApplicationSeed:
    """A program of somebody else's, which users may let act for them."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...] = ("profile", "email")
    #: Random ones are made where the seed has none; a public application has no secret.
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    public: bool = False
    #: Without it, every signed-in user grants what is asked for, unasked.
    consent_screen: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthSettings:
    """How the OAuth authorization server behaves."""

    dynamic_client_registration: bool = True
    token_format: TokenFormat = "jwt"
    #: Seconds.
    access_token_lifetime: int = 24 * 60 * 60
    #: Custom scopes, besides those that Clerk has.
    scopes: tuple[str, ...] = ()

    @property
    def supported_scopes(self) -> tuple[str, ...]:
        """Clerk's scopes and the custom ones."""
        return tuple(dict.fromkeys((*CLERK_SCOPES, *self.scopes)))


def oauth_settings_of(table: SeedReader) -> OAuthSettings:
    """How the authorization server behaves."""
    scopes = table.texts("scopes")
    for scope in scopes:
        if not is_scope(scope):
            table.fail("scopes", f"{scope!r} must be ASCII without spaces, quotes and backslashes")
    settings = OAuthSettings(
        dynamic_client_registration=table.flag("dynamic_client_registration", True),
        token_format=table.choice("token_format", ("jwt", "opaque"), "jwt"),
        access_token_lifetime=table.seconds("access_token_lifetime", 24 * 60 * 60),
        scopes=scopes,
    )
    table.finish()
    return settings


def oauth_applications_of(document: SeedReader, oauth: OAuthSettings) -> tuple[OAuthApplicationSeed, ...]:
    """The OAuth applications, whose scopes are Clerk's or those of `oauth`."""
    applications: list[OAuthApplicationSeed] = []
    for table in document.listed_tables("oauth_applications"):
        application = OAuthApplicationSeed(
            id=table.identifier("id", "oa_", [other.id for other in applications]),
            client_id=table.optional_identifier(
                "client_id", "", [other.client_id for other in applications if other.client_id]
            ),
            client_secret=table.optional_identifier("client_secret", ""),
            name=table.text("name"),
            redirect_uris=_redirect_uris(table),
            scopes=_scopes(table, oauth),
            public=table.flag("public", False),
            consent_screen=table.flag("consent_screen", True),
        )
        if application.public and application.client_secret:
            table.fail("client_secret", "is for applications that can keep it, and this one is public")
        table.finish()
        applications.append(application)
    return tuple(applications)


def _redirect_uris(table: SeedReader) -> tuple[str, ...]:
    redirect_uris = table.texts("redirect_uris")
    if not redirect_uris:
        table.fail("redirect_uris", 'is missing; write it as a list, such as ["http://127.0.0.1/callback"]')
    for uri in redirect_uris:
        try:
            check_redirect_uri(uri)
        except RedirectURIRefused as refused:
            table.fail("redirect_uris", f"{uri!r} is refused: {refused}")
    return redirect_uris


def _scopes(table: SeedReader, oauth: OAuthSettings) -> tuple[str, ...]:
    scopes = table.texts("scopes")
    for scope in scopes:
        if scope not in CLERK_SCOPES and scope not in oauth.scopes:
            table.fail("scopes", f"{scope!r} is unknown; add it to scopes in [oauth], if it is your own")
    return scopes or ("profile", "email")

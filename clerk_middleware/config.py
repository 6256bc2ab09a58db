"""`ClerkConfig`: everything that an application says about its Clerk instance."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from . import oauth_validation, own_domain_validation
from . import validation as check
from .errors import ConfigurationError
from .lazy import lazy
from .proxy.options import FrontendAPIProxy, proxy_of
from .publishable_key import PublishableKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from .csp import CSP
    from .routes import RouteMatcher
    from .tokens.classes import AcceptsToken

API_URL = "https://api.clerk.com"


@dataclass(frozen=True, kw_only=True)
class ClerkConfig:
    """The settings of one Clerk instance; validated when constructed, and never changed after.

    `ClerkConfig.from_env()` reads them from ``CLERK_…`` environment variables. Either `secret_key`
    or `jwt_key` is required, `publishable_key` too as soon as browsers are to be signed in.

    :raises ConfigurationError: naming what is wrong, where it was set and what to do.
    """

    #: ``sk_test_…`` or ``sk_live_…``: for the Backend API, and to fetch the key set.
    secret_key: str | None = field(default=None, repr=False)
    #: ``pk_test_…`` or ``pk_live_…``: which instance. Without it there is no browser flow.
    publishable_key: str | None = None
    #: The instance's public key in PEM, to verify tokens without any network.
    jwt_key: str | None = field(default=None, repr=False)
    #: This machine's secret key (``ak_…``): to verify M2M tokens with, and to get those that it sends.
    machine_secret_key: str | None = field(default=None, repr=False)
    #: This machine's id (``mch_…``): M2M tokens that are not meant for it are refused.
    machine_id: str | None = None
    #: Origins whose session tokens are accepted, such as ``https://example.com``. Empty: any, so
    #: that another application on a subdomain can present its users' tokens to yours.
    authorized_parties: Sequence[str] = ()
    #: Accepted values of ``aud``; compared only where the token names one, too.
    audience: str | Sequence[str] | None = None
    #: By how many milliseconds Clerk's clock and this machine's may differ.
    clock_skew_in_ms: int = 5000
    #: ``session_token``, ``api_key``, ``m2m_token``, ``oauth_token``, a list of these, or ``any``.
    accepts_token: AcceptsToken = "session_token"
    #: For how many milliseconds the Backend API's word on a token that is no JWT (an API key, say) is
    #: taken without asking again: a revoked one is good for so long. 0 asks for each request.
    opaque_token_ttl_in_ms: int = 10_000
    #: Paths of this application that OAuth clients call, such as ``/mcp``; ``/`` for all of it. Their
    #: metadata (RFC 9728) is served, and refusals there point to it.
    oauth_resources: Sequence[str] = ()
    #: The scopes that these understand, for their metadata to tell: what clients ask their users for.
    oauth_scopes: Sequence[str] = ("profile", "email")
    #: This satellite's own host, such as ``satellite.example.org``.
    domain: str | None = None
    #: Whether sign-in happens at another, primary domain.
    is_satellite: bool = False
    #: Whether a satellite asks the primary domain even on a first visit without any cookie.
    satellite_auto_sync: bool = False
    #: Where the Frontend API is proxied: a URL, or a path of this application.
    proxy_url: str | None = None
    #: Serves the Frontend API at a path of this application: `True` for ``/__clerk``, a path, or a
    #: `FrontendAPIProxy` with more options. `proxy_url` is that path then, unless it is set.
    frontend_api_proxy: bool | str | FrontendAPIProxy = False
    #: The Frontend API that is proxied. Default: Clerk's, by the publishable key.
    fapi_url: str | None = None
    #: A `CSP`: has responses say that browsers may load what Clerk needs, and what else they may.
    content_security_policy: CSP | None = None
    #: ``whsec_…``: to verify webhooks with; a list while the secret is rotated.
    webhook_signing_secret: str | Sequence[str] | None = field(default=None, repr=False)
    #: Where to sign in: a URL, or a path of this application. Default: Clerk's account portal.
    sign_in_url: str | None = None
    #: Where to sign up, likewise.
    sign_up_url: str | None = None
    #: Paths that belong to an organization, which a request to them activates: ``/orgs/:slug``.
    organization_patterns: Sequence[str] | None = None
    #: Paths that belong to the personal account: ``/me``, ``/me/(.*)``.
    personal_account_patterns: Sequence[str] | None = None
    #: The Backend API.
    api_url: str = API_URL
    api_version: str = "v1"
    #: Whether ``X-Forwarded-Host`` and ``X-Forwarded-Proto`` are believed: only behind a proxy that
    #: sets them itself, since anybody can send them.
    trust_forwarded_headers: bool = False

    def __post_init__(self) -> None:
        # A frozen dataclass is set up with object.__setattr__; what is set is immutable.
        def normalize(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        for flag in ("is_satellite", "satellite_auto_sync", "trust_forwarded_headers"):
            check.boolean(flag, getattr(self, flag))
        for text in ("secret_key", "machine_secret_key", "publishable_key", "jwt_key"):
            check.key_text(text, getattr(self, text))
        for name in check.LISTS:
            normalize(name, check.strings(name, getattr(self, name)))
        for name in ("sign_in_url", "sign_up_url", "proxy_url"):
            check.url_or_path(name, getattr(self, name))
        normalize("accepts_token", check.token_types(self.accepts_token))
        normalize("api_url", check.api_url(self.api_url))
        normalize("fapi_url", own_domain_validation.fapi_url(self.fapi_url))
        check.api_version(self.api_version)
        check.origins(self.authorized_parties)
        check.milliseconds("clock_skew_in_ms", self.clock_skew_in_ms)
        check.milliseconds("opaque_token_ttl_in_ms", self.opaque_token_ttl_in_ms)
        oauth_validation.machine_id(self.machine_id)
        oauth_validation.scopes(self.oauth_scopes)
        normalize("oauth_resources", oauth_validation.resources(self))
        check.domain(self.domain)
        check.secret_key(self.secret_key)
        check.machine_secret_key(self.machine_secret_key)
        # What they parse into is kept by the properties below; a wrong value raises here and now.
        _ = self.parsed_publishable_key, self.verification_key
        _ = self.organization_routes, self.personal_account_routes
        check.keys_belong_together(self)
        check.keys_suffice(self, self.accepts_token)
        check.connection_is_private(self)
        own_domain_validation.frontend_api_proxy(self)
        if self.proxy is not None and self.proxy_url is None:
            normalize("proxy_url", self.proxy.path)
        check.satellite(self)
        own_domain_validation.content_security_policy(self.content_security_policy)
        normalize(
            "webhook_signing_secret", own_domain_validation.signing_secrets(self.webhook_signing_secret)
        )

    def __getstate__(self) -> dict[str, Any]:
        """What it was made from: a parsed key can't be pickled, and is parsed again where it is needed."""
        return {option.name: getattr(self, option.name) for option in fields(self)}

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read ``CLERK_SECRET_KEY``, ``CLERK_PUBLISHABLE_KEY`` and so on; *overrides* win.

        Each option is its name in upper case after ``CLERK_``. Lists are separated by commas,
        flags are ``true`` or ``false``.

        :param environ: default: `os.environ`.
        :raises ConfigurationError: naming the variable that is wrong.
        """
        if environ is None:
            import os

            environ = os.environ
        options: dict[str, Any] = {}
        for option in fields(cls):
            variable = f"CLERK_{option.name.upper()}"
            if option.name not in overrides and (text := environ.get(variable, "").strip()):
                options[option.name] = check.from_text(option.name, text, _in_environment(variable))
        try:
            return cls(**options, **overrides)
        except ConfigurationError as error:
            if error.option in options:
                source = _in_environment(f"CLERK_{error.option.upper()}")
                raise ConfigurationError(error.problem, option=error.option, source=source) from None
            raise

    @lazy
    def parsed_publishable_key(self) -> PublishableKey | None:
        return PublishableKey.parse(self.publishable_key) if self.publishable_key else None

    @lazy
    def proxy(self) -> FrontendAPIProxy | None:
        """`frontend_api_proxy` with its options, `None` where it is off."""
        return proxy_of(self.frontend_api_proxy)

    @lazy
    def verification_key(self) -> RSAPublicKey | None:
        """`jwt_key`, ready for use."""
        return check.public_key(self.jwt_key) if self.jwt_key else None

    @lazy
    def organization_routes(self) -> RouteMatcher | None:
        return check.routes("organization_patterns", self.organization_patterns)

    @lazy
    def personal_account_routes(self) -> RouteMatcher | None:
        return check.routes("personal_account_patterns", self.personal_account_patterns)

    @lazy
    def routes_name_organizations(self) -> bool:
        """Whether any path belongs to an organization or to the personal account."""
        return self.organization_routes is not None or self.personal_account_routes is not None

    @lazy
    def audiences(self) -> frozenset[str]:
        return frozenset(filter(None, self.audience or ()))

    @lazy
    def parties(self) -> frozenset[str]:
        return frozenset(self.authorized_parties)

    @lazy
    def clock_skew(self) -> float:
        """`clock_skew_in_ms` in seconds."""
        return self.clock_skew_in_ms / 1000

    @lazy
    def opaque_token_ttl(self) -> float:
        """`opaque_token_ttl_in_ms` in seconds."""
        return self.opaque_token_ttl_in_ms / 1000

    @property
    def m2m_key(self) -> str | None:
        """What the Backend API knows this machine by, when it verifies M2M tokens."""
        return self.machine_secret_key or self.secret_key

    @lazy
    def instance(self) -> tuple[str, str, str | None]:
        """What tells this instance from others in every cache."""
        return (self.api_url, self.api_version, self.secret_key)

    @property
    def is_development(self) -> bool:
        key = self.parsed_publishable_key
        if key is not None:
            return key.is_development
        return self.secret_key is not None and self.secret_key.startswith(check.DEVELOPMENT_KEYS)


def _in_environment(variable: str) -> str:
    return f"the environment variable {variable}"

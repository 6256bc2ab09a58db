"""What a LocalClerk starts from: its users, organizations, roles, plans, templates, machines and the like.

A seed is written in TOML and read by `load_seed`; ``fleet.toml`` in this package, a road freight
company, is one. It never changes: what happens to a running LocalClerk happens to the `Instance`
that was made from it.

**Passwords in a seed are plain text, on purpose.** A seed belongs to development and tests, is
committed beside the code, and everyone who starts the application needs to know how to sign in.
Never put a password there that is used anywhere else.

The tables of a seed, all optional but ``users``::

    [instance]        name, type ("development" | "production"), host, secret_key,
                      allowed_origins (redirected to, besides loopback), hosts (served under, ditto)
    [sessions]        maximum_lifetime (seconds), token_version (2 | 1), claims (a table, see below),
                      multi_session (true | false: several users in one browser),
                      force_organization_selection (true | false: a session is pending without one)
    [features]        organization = [...], user = [...]: what everyone has without a plan
    [plans.KEY]       scope ("organization" | "user"), name, features
    [roles."org:KEY"] name, permissions: "org:FEATURE:NAME", or "org:sys_..." (never in a token)
    [[users]]         id, email, email_verified (true | false), password, first_name, last_name, username,
                      external_id, second_factor_code, totp_secret (base32), plan, banned, locked (true |
                      false), public_metadata, private_metadata, unsafe_metadata, oauth_access_tokens (a
                      table: google = { token = "...", scopes = [...] }, as the provider would give them)
    [[organizations]] id, slug, name, plan, members (a table: user id = role), public_metadata,
                      private_metadata
    [jwt_templates.NAME]  lifetime, allowed_clock_skew (seconds), claims
    [[machines]]      id, name, secret_key ("ak_..."), scopes (ids of the machines that it may call),
                      default_token_lifetime (seconds)
    [[api_keys]]      id, secret (both "ak_..."), name, subject (a user or an organization), scopes, claims,
                      description
    [oauth]           dynamic_client_registration (true | false), token_format ("jwt" | "opaque"),
                      access_token_lifetime (seconds), scopes (custom ones, besides Clerk's)
    [[oauth_applications]]  id, client_id, client_secret, name, redirect_uris, scopes, public (true | false),
                      consent_screen (true | false)
    [[webhooks]]      url, events (a list, all unless given; "user.*" is possible), signing_secret
                      ("whsec_..."), allow_remote (true | false: else loopback alone)

Claims hold shortcodes such as ``"{{org.role}}"``: https://clerk.com/docs/guides/sessions/jwt-templates
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .machine_seed import APIKeySeed, MachineSeed
from .oauth.seed import OAuthApplicationSeed, OAuthSettings
from .webhooks.seed import WebhookSeed

__all__ = [
    "DEFAULT_HOST",
    "InstanceType",
    "JWTTemplate",
    "Organization",
    "Plan",
    "Role",
    "Scope",
    "Seed",
    "SocialToken",
    "User",
]

DEFAULT_HOST = "local-instance-1.clerk.accounts.dev"

InstanceType = Literal["development", "production"]
Scope = Literal["organization", "user"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SocialToken:
    """The access token of a user's account at a provider such as Google, and what it is good for."""

    token: str = field(repr=False)
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A user of the instance, with everything they need to sign in."""

    id: str
    email: str
    #: Whether the user has proved that the address is theirs. Who has not signs in all the same.
    email_verified: bool = True
    password: str = field(repr=False)
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    #: What stands in for an authenticator app: one code that is always right.
    second_factor_code: str | None = field(default=None, repr=False)
    #: That of an authenticator app, in base32 (RFC 6238).
    totp_secret: str | None = field(default=None, repr=False)
    plan: str | None = None
    #: What the user is called in the application's own records.
    external_id: str | None = None
    #: Whether the user may not sign in: for good, or until somebody unlocks them.
    banned: bool = False
    locked: bool = False
    public_metadata: Mapping[str, Any] = field(default_factory=dict)
    private_metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unsafe_metadata: Mapping[str, Any] = field(default_factory=dict)
    #: By provider (``google``): what the user's accounts elsewhere gave.
    oauth_access_tokens: Mapping[str, SocialToken] = field(default_factory=dict)

    @property
    def has_second_factor(self) -> bool:
        """Whether a code follows the password when the user signs in."""
        return self.second_factor_code is not None or self.totp_secret is not None

    @property
    def full_name(self) -> str | None:
        """First and last name, as far as there are any."""
        return " ".join(name for name in (self.first_name, self.last_name) if name) or None

    @property
    def display_name(self) -> str:
        """What to call the user on a page."""
        return self.full_name or self.username or self.email


@dataclass(frozen=True, kw_only=True, slots=True)
class Organization:
    """An organization and its members."""

    id: str
    slug: str
    name: str
    plan: str | None = None
    #: User id to role key (``org:admin``).
    members: Mapping[str, str] = field(default_factory=dict)
    #: How many members the Backend API lets in; 0 for as many as come.
    max_allowed_memberships: int = 0
    public_metadata: Mapping[str, Any] = field(default_factory=dict)
    private_metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: The user who made it, where one did.
    created_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A role in an organization, and the permissions that it grants."""

    key: str
    name: str
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an organization or a user may subscribe to."""

    key: str
    name: str
    scope: Scope
    features: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class JWTTemplate:
    """A custom JWT for another service, such as a database. Times are seconds."""

    name: str
    claims: Mapping[str, Any]
    lifetime: int = 60
    allowed_clock_skew: int = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    """What a LocalClerk starts from; the module's docstring describes the file."""

    name: str = "LocalClerk"
    #: The file that it was read from.
    source: Path | None = None
    instance_type: InstanceType = "development"
    #: The Frontend API's host, which the publishable key holds and tokens name as their issuer.
    host: str = DEFAULT_HOST
    #: A random one is made where the seed has none.
    secret_key: str | None = field(default=None, repr=False)
    #: Origins besides loopback to which a browser may be sent back.
    allowed_origins: tuple[str, ...] = ()
    #: Host names besides loopback under which LocalClerk may be asked.
    hosts: tuple[str, ...] = ()
    #: Seconds until a session ends, however active it is.
    session_maximum_lifetime: int = 7 * 24 * 60 * 60
    #: Version of the claims of session tokens.
    token_version: Literal[1, 2] = 2
    session_claims: Mapping[str, Any] = field(default_factory=dict)
    #: Whether a browser may be signed in to several sessions at once.
    multi_session: bool = False
    #: Whether a session is pending until an organization is chosen: nobody has a personal account then.
    force_organization_selection: bool = False
    organization_features: tuple[str, ...] = ()
    user_features: tuple[str, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    organizations: Mapping[str, Organization] = field(default_factory=dict)
    jwt_templates: Mapping[str, JWTTemplate] = field(default_factory=dict)
    machines: Mapping[str, MachineSeed] = field(default_factory=dict)
    api_keys: tuple[APIKeySeed, ...] = ()
    oauth: OAuthSettings = field(default_factory=OAuthSettings)
    oauth_applications: tuple[OAuthApplicationSeed, ...] = ()
    webhooks: tuple[WebhookSeed, ...] = ()

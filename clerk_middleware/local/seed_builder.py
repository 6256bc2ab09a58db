"""From the tables of a seed to a `Seed`, with every reference between them checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from . import seed
from .claims import RESERVED_SESSION_CLAIMS, RESERVED_TEMPLATE_CLAIMS
from .machine_seed_builder import api_keys_of, machines_of
from .oauth.seed import oauth_applications_of, oauth_settings_of
from .seed_reader import SeedReader
from .user_seed_builder import plan_of, users_of
from .webhooks.seed import webhooks_of

__all__ = ["build_seed"]

_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_ORIGIN = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")
_ID = re.compile(r"[A-Za-z0-9_-]+")
_FEATURE = re.compile(r"[A-Za-z0-9_-]+")
_ROLE = re.compile(r"org:[A-Za-z0-9_-]+")
_PERMISSION = re.compile(r"org:(?P<feature>[A-Za-z0-9_-]+):[A-Za-z0-9_-]+")


def build_seed(document: SeedReader) -> seed.Seed:
    """The `Seed` that the tables describe. Raises `SeedError`."""
    instance = document.table("instance")
    instance_type: seed.InstanceType = instance.choice("type", ("development", "production"), "development")
    features = document.table("features")
    sessions = document.table("sessions")
    organization_features = _features(features, "organization")
    plans = {name: _plan(name, table) for name, table in document.named_tables("plans")}
    known_features = {*organization_features, *_features_of_plans(plans.values(), "organization")}
    roles = {key: _role(key, table, known_features) for key, table in document.named_tables("roles")}
    users = users_of(document, plans)
    organizations = _unique_organizations(document, users, roles, plans)
    oauth = oauth_settings_of(document.table("oauth"))
    built = seed.Seed(
        name=instance.optional_text("name") or "LocalClerk",
        instance_type=instance_type,
        host=_host(instance),
        secret_key=_secret_key(instance, instance_type),
        allowed_origins=_origins(instance),
        hosts=_hosts(instance),
        session_maximum_lifetime=sessions.seconds("maximum_lifetime", 7 * 24 * 60 * 60),
        token_version=sessions.choice("token_version", (1, 2), 2),
        session_claims=_claims(sessions, RESERVED_SESSION_CLAIMS),
        multi_session=sessions.flag("multi_session", False),
        force_organization_selection=sessions.flag("force_organization_selection", False),
        organization_features=organization_features,
        user_features=_features(features, "user"),
        plans=plans,
        roles=roles,
        users=users,
        organizations=organizations,
        jwt_templates={
            name: _template(name, table) for name, table in document.named_tables("jwt_templates")
        },
        machines=machines_of(document),
        api_keys=api_keys_of(document, {*users, *organizations}),
        oauth=oauth,
        oauth_applications=oauth_applications_of(document, oauth),
        webhooks=webhooks_of(document),
    )
    for table in (instance, features, sessions, document):
        table.finish()
    return built


def _host(table: SeedReader) -> str:
    host = table.optional_text("host") or seed.DEFAULT_HOST
    if "." not in host or not _HOST_NAME.fullmatch(host):
        table.fail(
            "host",
            f"must be a host name with a dot, such as local-instance-1.clerk.accounts.dev, not {host!r}",
        )
    return host


def _secret_key(table: SeedReader, instance_type: seed.InstanceType) -> str | None:
    secret_key = table.optional_text("secret_key")
    prefix = "sk_test_" if instance_type == "development" else "sk_live_"
    if secret_key is not None and not re.fullmatch(rf"{prefix}[A-Za-z0-9]+", secret_key):
        table.fail(
            "secret_key",
            f"must be {prefix} and letters and digits, for this instance is a {instance_type} one",
        )
    return secret_key


def _origins(table: SeedReader) -> tuple[str, ...]:
    origins = table.texts("allowed_origins")
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            table.fail(
                "allowed_origins", f"must hold origins, such as https://app.example.com, not {origin!r}"
            )
    return origins


def _hosts(table: SeedReader) -> tuple[str, ...]:
    hosts = table.texts("hosts")
    for host in hosts:
        if not _HOST_NAME.fullmatch(host):
            table.fail("hosts", f"must hold host names without a port, such as clerk.internal, not {host!r}")
    return hosts


def _claims(table: SeedReader, reserved: frozenset[str]) -> dict[str, Any]:
    claims = table.mapping("claims")
    for name in claims:
        if name in reserved:
            table.fail(
                f"claims.{name}",
                "is a claim that Clerk sets itself and a template cannot; choose another name",
            )
    return claims


def _features(table: SeedReader, key: str) -> tuple[str, ...]:
    features = table.texts(key)
    for feature in features:
        if not _FEATURE.fullmatch(feature):
            table.fail(key, f"feature {feature!r} may hold letters, digits, _ and - alone")
        if feature.startswith("sys_"):
            table.fail(key, f"feature {feature!r}: sys_ is for Clerk's system permissions")
    return features


def _plan(key: str, table: SeedReader) -> seed.Plan:
    if not _FEATURE.fullmatch(key):
        table.fail(None, "the name of a plan may hold letters, digits, _ and - alone")
    plan = seed.Plan(
        key=key,
        name=table.optional_text("name") or key,
        scope=table.choice("scope", ("organization", "user"), "organization"),
        features=_features(table, "features"),
    )
    table.finish()
    return plan


def _features_of_plans(plans: Iterable[seed.Plan], scope: seed.Scope) -> set[str]:
    return {feature for plan in plans if plan.scope == scope for feature in plan.features}


def _role(key: str, table: SeedReader, features: set[str]) -> seed.Role:
    if not _ROLE.fullmatch(key):
        table.fail(None, 'a role is called org:NAME; write [roles."org:dispatcher"], say')
    permissions = table.texts("permissions")
    for permission in permissions:
        match = _PERMISSION.fullmatch(permission)
        if match is None:
            table.fail("permissions", f"{permission!r} must be org:FEATURE:NAME, such as org:loads:create")
        feature = match["feature"]
        if not feature.startswith("sys_") and feature not in features:
            table.fail(
                "permissions",
                f"{permission!r} belongs to the feature {feature!r}, which no organization can have; "
                "add it to organization in [features], or to the features of a plan for organizations",
            )
    role = seed.Role(
        key=key, name=table.optional_text("name") or key.removeprefix("org:"), permissions=permissions
    )
    table.finish()
    return role


def _unique_organizations(
    document: SeedReader,
    users: dict[str, seed.User],
    roles: dict[str, seed.Role],
    plans: dict[str, seed.Plan],
) -> dict[str, seed.Organization]:
    organizations: dict[str, seed.Organization] = {}
    for table in document.listed_tables("organizations"):
        members = table.mapping("members")
        for user_id, role in members.items():
            if user_id not in users:
                table.fail(
                    f"members.{user_id}", "is no user of this seed; add a [[users]] table with that id"
                )
            if role not in roles:
                table.fail(
                    f"members.{user_id}", f"{role!r} is no role; there are: {', '.join(roles) or 'none'}"
                )
        slugs = {organization.slug for organization in organizations.values()}
        organization = seed.Organization(
            id=table.identifier("id", "org_", organizations),
            slug=table.identifier("slug", "", slugs),
            name=table.text("name"),
            plan=plan_of(table, plans, "organization"),
            members=members,
            public_metadata=table.json("public_metadata"),
            private_metadata=table.json("private_metadata"),
        )
        table.finish()
        organizations[organization.id] = organization
    return organizations


def _template(name: str, table: SeedReader) -> seed.JWTTemplate:
    if not _ID.fullmatch(name):
        table.fail(None, "the name of a template may hold letters, digits, _ and - alone")
    template = seed.JWTTemplate(
        name=name,
        claims=_claims(table, RESERVED_TEMPLATE_CLAIMS),
        lifetime=table.seconds("lifetime", 60),
        allowed_clock_skew=table.seconds("allowed_clock_skew", 5, minimum=0),
    )
    table.finish()
    return template

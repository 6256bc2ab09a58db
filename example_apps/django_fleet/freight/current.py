"""Which of the data belongs to who is signed in. Every view takes its company from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404

from clerk_middleware import MachineAuth, SessionAuth
from clerk_middleware_django import ClerkHttpRequest, get_auth
from example_apps.fleet.claims import company_name, organization_ids, storable
from example_apps.fleet.sample import COMPANIES

from .models import LINE, Company, Load
from .sample import fill

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from example_apps.django_fleet.accounts.models import User


class FleetRequest(ClerkHttpRequest):
    """The request of a view that somebody has to be signed in for, typed."""

    user: User  # pyright: ignore[reportIncompatibleVariableOverride]
    fleet_company: Company | None


def current_company(request: HttpRequest) -> Company:
    """The company of the active organization. Raises `Http404` in a personal account."""
    company = company_of(request)
    if company is None:
        raise Http404("Choose a company first: you work in your personal account.")
    return company


def company_of(request: HttpRequest) -> Company | None:
    """The same, or `None`; asked of the database once a request."""
    ours = cast(FleetRequest, request)
    if not hasattr(ours, "fleet_company"):
        ours.fleet_company = _company(get_auth(request))
    return ours.fleet_company


def known_company(org_id: str) -> Company | None:
    """For a machine, of which nobody has to be signed in: one that was here before, or is of the sample."""
    if "\0" in org_id:  # nothing to ask PostgreSQL for
        return None
    sample = COMPANIES.get(org_id)
    return _found(org_id) or (_founded(org_id, sample.slug, sample.name) if sample else None)


def loads_for(auth: MachineAuth) -> QuerySet[Load]:
    """Of a company's API key, the company's. Who acts for a person sees what that person has to drive."""
    if auth.org_id is not None:
        company = known_company(auth.org_id)
        return company.loads.all() if company else Load.objects.none()
    return Load.objects.filter(driver__user_id=auth.user_id)


def memberships_of(auth: SessionAuth) -> dict[str, str]:
    """Names of the user's companies by organization id."""
    ids = list(organization_ids(auth))
    names = dict(Company.objects.filter(org_id__in=ids).values_list("org_id", "name"))
    samples = {org_id: sample.name for org_id, sample in COMPANIES.items()}
    return {org_id: names.get(org_id) or samples.get(org_id, org_id) for org_id in ids}


def workplace(request: HttpRequest) -> dict[str, Any]:
    """A context processor: what the frame of every page shows. Nothing of it to who has no active account."""
    auth, member = get_auth(request), member_of(request)
    if not isinstance(auth, SessionAuth) or member is None:
        return {"member": None, "company": None, "memberships": {}}
    return {"member": member, "company": company_of(request), "memberships": memberships_of(auth)}


def member_of(request: HttpRequest) -> User | None:
    """The local user, or `None`, also where `request.user` raises: a page about an error must not."""
    try:
        user = cast(FleetRequest, request).user
        return user if user.is_authenticated else None
    except PermissionDenied:  # Clerk was to say who a new user is, and did not
        return None


def _company(auth: object) -> Company | None:
    if not isinstance(auth, SessionAuth) or auth.org_id is None:
        return None
    slug = storable(auth.org_slug or "") or auth.org_id
    return _found(auth.org_id) or _founded(auth.org_id, slug, company_name(auth) or slug)


def _found(org_id: str) -> Company | None:
    return Company.objects.filter(org_id=org_id).first()


@transaction.atomic
def _founded(org_id: str, slug: str, name: str) -> Company:
    """The company of an organization that was never here before."""
    company, is_new = Company.objects.get_or_create(
        org_id=org_id, defaults={"slug": slug[:LINE], "name": name[:LINE]}
    )
    if is_new:
        fill(company)
    return company

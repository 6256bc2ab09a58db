"""What of this application's data belongs to who is signed in."""

from typing import Any, cast

from flask import abort, current_app, request

from clerk_middleware import MachineAuth
from clerk_middleware_flask import csp_nonce, get_auth, get_session
from example_apps.fleet.companies import Company, Driver, Fleet, Load
from example_apps.fleet.components import Components
from example_apps.fleet.roster import Roster
from example_apps.fleet.workplace import company_of, in_frame, loads_for


def current_company() -> Company:
    """The company of the active organization, which every view takes its data from; 404 if there is none."""
    company = company_of(_fleet(), get_session())
    if company is None:
        abort(404, "Choose a company first: you work in your personal account.")
    return company


def company_with_id(org_id: str) -> Company:
    """For a machine, which works for every company; 404 for one that is not here."""
    return _fleet().known_company(org_id) or abort(404)


def visible_loads() -> list[Load]:
    """Those of the active company; to a partner's token, those of its owner."""
    auth = get_auth()
    if isinstance(auth, MachineAuth):
        return loads_for(_fleet(), auth)
    return list(current_company().loads.values())


def load_in(company: Company, number: int) -> Load:
    """A load of this company: never look one up by a number alone, or it may be a competitor's."""
    return company.loads.get(number) or abort(404)


def driver_in(company: Company, user_id: str) -> Driver:
    return company.drivers.get(user_id) or abort(404)


def frame() -> dict[str, Any]:
    """A context processor: what every page shows or asks.

    (`current_auth` is there anyway, and ``csp_nonce()`` as a function: the shared templates take its value.)
    """
    return {
        "here": request.path,
        "csp_nonce": csp_nonce(),
        "components": components(),
        **in_frame(_fleet(), get_auth()),
    }


def components() -> Components | None:
    """Clerk's components, if they are wanted."""
    return cast(Components | None, current_app.extensions["components"])


def roster() -> Roster:
    """Who has an account, as Clerk's webhooks say it."""
    return cast(Roster, current_app.extensions["roster"])


def _fleet() -> Fleet:
    return cast(Fleet, current_app.extensions["fleet"])

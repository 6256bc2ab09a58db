"""The freight companies themselves, in memory: what your database holds. Nothing here knows of Clerk."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from example_apps.fleet.sample import COMPANIES, FIRST_NUMBER, PEOPLE


class LoadStatus(StrEnum):
    OPEN = "open"
    ASSIGNED = "assigned"
    IN_TRANSIT = "in transit"
    DELIVERED = "delivered"


@dataclass(slots=True)
class Load:
    number: int
    origin: str
    destination: str
    cargo: str
    tons: float
    status: LoadStatus = LoadStatus.OPEN
    driver_id: str | None = None


@dataclass(slots=True)
class Driver:
    user_id: str
    name: str
    truck: str
    hours_left: float
    owed: int
    litres_per_100_km: float


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    who: str
    what: str


@dataclass(slots=True)
class Company:
    """A company: one Clerk organization."""

    org_id: str
    slug: str
    name: str
    profile: str | None = None
    loads: dict[int, Load] = field(default_factory=dict)
    drivers: dict[str, Driver] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def add_load(self, origin: str, destination: str, cargo: str, tons: float) -> Load:
        load = Load(FIRST_NUMBER + len(self.loads), origin, destination, cargo, tons)
        self.loads[load.number] = load
        return load

    def assign(self, load: Load, driver: Driver) -> None:
        load.driver_id, load.status = driver.user_id, LoadStatus.ASSIGNED

    def loads_of(self, user_id: str) -> list[Load]:
        return [load for load in self.loads.values() if load.driver_id == user_id]

    def log(self, user_id: str, what: str) -> None:
        """Keep who did what: the audit log."""
        self.events.append(Event(datetime.now(UTC), name_of(user_id), what))


class Fleet:
    """Every company that uses this application, by organization id."""

    def __init__(self) -> None:
        self._companies: dict[str, Company] = {}

    def company(self, org_id: str, slug: str, name: str) -> Company:
        """The company of an organization; a new one for an organization that was never here before."""
        if org_id not in self._companies:
            self._companies[org_id] = _founded(org_id, slug, name)
        return self._companies[org_id]

    def name_of_company(self, org_id: str) -> str:
        known = self._companies.get(org_id) or COMPANIES.get(org_id)
        return known.name if known else org_id


def name_of(user_id: str) -> str:
    return PEOPLE.get(user_id, user_id)


def _founded(org_id: str, slug: str, name: str) -> Company:
    company, sample = Company(org_id, slug, name), COMPANIES.get(org_id)
    if sample is None:
        return company
    company.profile = sample.profile
    for driver in sample.drivers:
        company.drivers[driver.user_id] = Driver(
            driver.user_id,
            driver.name,
            driver.truck,
            driver.hours_left,
            driver.owed,
            driver.litres_per_100_km,
        )
    for each in sample.loads:
        load = company.add_load(each.origin, each.destination, each.cargo, each.tons)
        load.driver_id, load.status = each.driver_id, LoadStatus(each.status)
    company.log(*sample.event)
    return company

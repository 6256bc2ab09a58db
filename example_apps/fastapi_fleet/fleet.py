"""The freight companies themselves, in memory: what your database holds. Nothing here knows of Clerk."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

#: Names of people by user id. Your application would keep them up to date by Clerk's webhooks.
PEOPLE = {
    "user_ada": "Ada Sørensen",
    "user_carmen": "Carmen Ortiz",
    "user_dev": "Dev Patel",
    "user_rosa": "Rosa Lindqvist",
    "user_grace": "Grace Okafor",
    "user_sam": "Sam Whitfield",
    "user_jonas": "Jonas Weber",
    "user_mei": "Mei Tanaka",
}


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
        load = Load(1041 + len(self.loads), origin, destination, cargo, tons)
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
        for company in (_blue_ridge(), _harbor_lines()):
            self._companies[company.org_id] = company

    def company(self, org_id: str, slug: str, name: str) -> Company:
        """The company of an organization; a new one for an organization that was never here before."""
        return self._companies.setdefault(org_id, Company(org_id, slug, name))

    def name_of_company(self, org_id: str) -> str:
        company = self._companies.get(org_id)
        return company.name if company else org_id


def name_of(user_id: str) -> str:
    return PEOPLE.get(user_id, user_id)


def _blue_ridge() -> Company:
    company = Company(
        "org_blue_ridge",
        "blue-ridge-freight",
        "Blue Ridge Freight",
        "Refrigerated and dry freight across the Appalachians since 1987.",
    )
    for driver in (
        Driver("user_rosa", name_of("user_rosa"), "Volvo FH 21", 6.5, 1840, 28.4),
        Driver("user_jonas", name_of("user_jonas"), "Scania R 7", 3.0, 2115, 31.0),
        Driver("user_mei", name_of("user_mei"), "Actros 14", 9.0, 960, 26.7),
    ):
        company.drivers[driver.user_id] = driver
    for origin, destination, cargo, tons, driver_id, status in (
        ("Asheville", "Roanoke", "Apples", 18.5, "user_rosa", LoadStatus.IN_TRANSIT),
        ("Knoxville", "Greenville", "Steel coils", 22.0, "user_jonas", LoadStatus.ASSIGNED),
        ("Charlotte", "Bristol", "Furniture", 9.4, "user_rosa", LoadStatus.ASSIGNED),
        ("Roanoke", "Chattanooga", "Dairy", 14.2, None, LoadStatus.OPEN),
    ):
        load = company.add_load(origin, destination, cargo, tons)
        load.driver_id, load.status = driver_id, status
    company.log("user_dev", "assigned load 1042 to Jonas Weber")
    return company


def _harbor_lines() -> Company:
    company = Company(
        "org_harbor_lines", "harbor-lines", "Harbor Lines", "Containers between the ports of the east coast."
    )
    company.add_load("Baltimore", "Norfolk", "Containers", 24.0)
    company.log("user_grace", "opened the company's account")
    return company

"""The freight companies themselves, in memory: what your database holds. Nothing here knows of Clerk."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from threading import Lock

from .sample import COMPANIES, FIRST_NUMBER, PEOPLE, SampleCompany


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
    """A company: one Clerk organization. What somebody does to it is in the audit log with it.

    Several threads may use it: one at a time changes something, and who reads finds the loads as they were.
    """

    org_id: str
    slug: str
    name: str
    profile: str | None = None
    loads: dict[int, Load] = field(default_factory=dict)
    drivers: dict[str, Driver] = field(default_factory=dict)
    #: How far loads are, in percent of their way, by number; as the tracking service says.
    reported: dict[int, float] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def create_load(self, user_id: str, origin: str, destination: str, cargo: str, tons: float) -> Load:
        with self._lock:
            load = self._add(origin, destination, cargo, tons)
            self._log(user_id, f"created load {load.number}")
        return load

    def assign(self, user_id: str, load: Load, driver: Driver) -> None:
        with self._lock:
            load.driver_id, load.status = driver.user_id, LoadStatus.ASSIGNED
            self._log(user_id, f"assigned load {load.number} to {driver.name}")

    def report(self, user_id: str, load: Load, status: LoadStatus) -> None:
        with self._lock:
            load.status = status
            self._log(user_id, f"reported load {load.number} as {status}")

    def locate(self, load: Load, percent: float) -> None:
        with self._lock:
            self.reported = {**self.reported, load.number: percent}

    def pay(self, user_id: str, driver: Driver) -> int:
        """Pay a driver what is owed; returns how much that was."""
        with self._lock:
            paid, driver.owed = driver.owed, 0
            self._log(user_id, f"paid ${paid:,} to {driver.name}")
        return paid

    def delete_profile(self, user_id: str) -> None:
        with self._lock:
            self.profile = None
            self._log(user_id, "deleted the company's public profile")

    def loads_of(self, user_id: str) -> list[Load]:
        return [load for load in self.loads.values() if load.driver_id == user_id]

    def fill(self, sample: SampleCompany) -> None:
        """Begin with what a company of LocalClerk's has, before anybody else knows of this one."""
        self.profile = sample.profile
        for driver in sample.drivers:
            self.drivers[driver.user_id] = Driver(
                driver.user_id,
                driver.name,
                driver.truck,
                driver.hours_left,
                driver.owed,
                driver.litres_per_100_km,
            )
        for each in sample.loads:
            load = self._add(each.origin, each.destination, each.cargo, each.tons)
            load.driver_id, load.status = each.driver_id, LoadStatus(each.status)
        self._log(*sample.event)

    def _add(self, origin: str, destination: str, cargo: str, tons: float) -> Load:
        load = Load(FIRST_NUMBER + len(self.loads), origin, destination, cargo, tons)
        self.loads = {**self.loads, load.number: load}
        return load

    def _log(self, user_id: str, what: str) -> None:
        self.events.append(Event(datetime.now(UTC), name_of(user_id), what))


class Fleet:
    """Every company that uses this application, by organization id."""

    def __init__(self) -> None:
        self._companies: dict[str, Company] = {}
        self._lock = Lock()

    def company(self, org_id: str, slug: str, name: str) -> Company:
        """The company of an organization; a new one for an organization that was never here before."""
        with self._lock:
            if org_id not in self._companies:
                company = Company(org_id, slug, name)
                if org_id in COMPANIES:
                    company.fill(COMPANIES[org_id])
                self._companies[org_id] = company
            return self._companies[org_id]

    def known_company(self, org_id: str) -> Company | None:
        """The company of an organization that was here before, or is one of the sample."""
        if org_id in self._companies or org_id not in COMPANIES:
            return self._companies.get(org_id)
        return self.company(org_id, COMPANIES[org_id].slug, COMPANIES[org_id].name)

    def loads_of(self, user_id: str) -> list[Load]:
        """What a driver has to drive, for whichever company."""
        companies = map(self.known_company, {**COMPANIES, **self._companies})
        return [load for company in companies if company for load in company.loads_of(user_id)]

    def name_of_company(self, org_id: str) -> str:
        known = self._companies.get(org_id) or COMPANIES.get(org_id)
        return known.name if known else org_id


def name_of(user_id: str) -> str:
    return PEOPLE.get(user_id, user_id)

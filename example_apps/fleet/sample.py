"""The companies as they are before anybody works with them."""

from collections.abc import Mapping
from dataclasses import dataclass

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

FIRST_NUMBER = 1041


@dataclass(frozen=True, slots=True)
class SampleDriver:
    user_id: str
    truck: str
    hours_left: float
    owed: int
    litres_per_100_km: float

    @property
    def name(self) -> str:
        return PEOPLE[self.user_id]


@dataclass(frozen=True, slots=True)
class SampleLoad:
    """The first of a company's has `FIRST_NUMBER`."""

    origin: str
    destination: str
    cargo: str
    tons: float
    status: str = "open"
    driver_id: str | None = None


@dataclass(frozen=True, slots=True)
class SampleCompany:
    """What one Clerk organization starts with."""

    slug: str
    name: str
    profile: str
    #: Who did what.
    event: tuple[str, str]
    drivers: tuple[SampleDriver, ...] = ()
    loads: tuple[SampleLoad, ...] = ()


#: By the id of the organization in LocalClerk's fleet.toml. Any other organization starts empty.
COMPANIES: Mapping[str, SampleCompany] = {
    "org_blue_ridge": SampleCompany(
        "blue-ridge-freight",
        "Blue Ridge Freight",
        "Refrigerated and dry freight across the Appalachians since 1987.",
        ("user_dev", "assigned load 1042 to Jonas Weber"),
        (
            SampleDriver("user_rosa", "Volvo FH 21", 6.5, 1840, 28.4),
            SampleDriver("user_jonas", "Scania R 7", 3.0, 2115, 31.0),
            SampleDriver("user_mei", "Actros 14", 9.0, 960, 26.7),
        ),
        (
            SampleLoad("Asheville", "Roanoke", "Apples", 18.5, "in transit", "user_rosa"),
            SampleLoad("Knoxville", "Greenville", "Steel coils", 22.0, "assigned", "user_jonas"),
            SampleLoad("Charlotte", "Bristol", "Furniture", 9.4, "assigned", "user_rosa"),
            SampleLoad("Roanoke", "Chattanooga", "Dairy", 14.2),
        ),
    ),
    "org_harbor_lines": SampleCompany(
        "harbor-lines",
        "Harbor Lines",
        "Containers between the ports of the east coast.",
        ("user_grace", "opened the company's account"),
        loads=(SampleLoad("Baltimore", "Norfolk", "Containers", 24.0),),
    ),
}

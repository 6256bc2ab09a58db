"""What a company of LocalClerk's has when it is here for the first time."""

from example_apps.fleet.sample import COMPANIES, PEOPLE

from .models import Company, Load


def fill(company: Company) -> None:
    """Add the sample of that organization, if there is one."""
    sample = COMPANIES.get(company.org_id)
    if sample is None:
        return
    company.profile = sample.profile
    company.save(update_fields=["profile"])
    drivers = {
        driver.user_id: company.drivers.create(
            user_id=driver.user_id,
            name=driver.name,
            truck=driver.truck,
            hours_left=driver.hours_left,
            owed=driver.owed,
            litres_per_100_km=driver.litres_per_100_km,
        )
        for driver in sample.drivers
    }
    for load in sample.loads:
        company.add_load(
            Load(
                origin=load.origin,
                destination=load.destination,
                cargo=load.cargo,
                tons=load.tons,
                status=load.status,
                driver=drivers.get(load.driver_id or ""),
            )
        )
    user_id, what = sample.event
    company.events.create(who=PEOPLE[user_id], what=what)

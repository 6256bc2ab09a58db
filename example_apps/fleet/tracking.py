"""Where the trucks are: as the tracking service reports, else made up from the time of day."""

import math
import time

from .companies import Company, LoadStatus


def percent_of_the_way(number: int) -> float:
    """How far a load is between origin and destination."""
    return round(50 + 45 * math.sin(time.time() / 40 + number), 1)


def positions(company: Company) -> list[dict[str, object]]:
    """Where the trucks of a company in memory are, in percent of their way."""
    moving = [load for load in company.loads.values() if load.status == LoadStatus.IN_TRANSIT]
    return [
        {
            "load": load.number,
            "driver": company.drivers[load.driver_id].name if load.driver_id in company.drivers else "",
            "origin": load.origin,
            "destination": load.destination,
            "percent": company.reported.get(load.number, percent_of_the_way(load.number)),
        }
        for load in moving
    ]

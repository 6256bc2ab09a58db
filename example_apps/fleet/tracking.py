"""Where the trucks are: made up from the time of day."""

import math
import time


def percent_of_the_way(number: int) -> float:
    """How far a load is between origin and destination."""
    return round(50 + 45 * math.sin(time.time() / 40 + number), 1)

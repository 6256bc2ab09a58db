"""Live tracking: a page, and what its script asks for once a second."""

from asgiref.sync import sync_to_async
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from clerk_middleware_django import require_feature, require_permission
from example_apps.fleet.tracking import percent_of_the_way

from ..current import FleetRequest, current_company
from ..models import Load

_WATCH = "org:dispatcher:view_driver_vehicle_status"


@require_feature("org:live_tracking")
@require_permission(_WATCH)
def page(request: FleetRequest) -> HttpResponse:
    return render(request, "freight/tracking.html")


@require_feature("org:live_tracking")
@require_permission(_WATCH)
async def live(request: FleetRequest) -> HttpResponse:
    """Asked often, so asynchronous: the decorators are the same. A WebSocket would take Django Channels."""
    company = await sync_to_async(current_company)(request)
    moving = company.loads.filter(status=Load.Status.IN_TRANSIT).select_related("driver")
    positions = [
        {
            "load": load.number,
            "driver": load.driver.name if load.driver else "",
            "origin": load.origin,
            "destination": load.destination,
            "percent": percent_of_the_way(load.number) if load.percent is None else load.percent,
        }
        async for load in moving
    ]
    return JsonResponse(positions, safe=False)

"""Live tracking: a page, and the WebSocket that feeds it."""

import asyncio
import time
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, WebSocket, WebSocketDisconnect

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import require_feature, require_permission
from example_apps.fleet.tracking import positions

from .current import CurrentCompany
from .rendering import render

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_feature("org:live_tracking"))])

Watcher = Annotated[SessionAuth, Depends(require_permission("org:dispatcher:view_driver_vehicle_status"))]


@router.get("/tracking")
async def tracking(request: Request, auth: Watcher) -> Response:
    return render(request, "tracking.html", feed="live")


@router.websocket("/live")
async def live(socket: WebSocket, auth: Watcher, company: CurrentCompany) -> None:
    """Who may not watch is refused before the socket opens; a page of another site, too (the middleware).

    A socket outlives the session token that opened it. This one closes when the token expires, and the
    page opens another with a new token: so who is signed out or dismissed stops seeing trucks in a minute.
    """
    await socket.accept()
    with suppress(WebSocketDisconnect):
        while time.time() < auth.session_claims["exp"]:
            await socket.send_json(positions(company))
            await asyncio.sleep(1)
        await socket.close(1000)

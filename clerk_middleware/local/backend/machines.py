"""The Backend API's endpoints about machines.

https://clerk.com/docs/reference/backend-api/tag/machines
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..credentials import Machine
from ..directory_objects import deleted_object
from ..errors import APIError, not_found
from ..instance import Instance
from ..listing import Paging, in_order
from ..machines import MAXIMUM_MACHINES
from .credential_objects import machine_object
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["MachineAPI"]

#: Seconds for which a previous secret key may be good: Clerk's eight hours.
_MAXIMUM_OVERLAP = 28_800


class MachineAPI:
    """Machines, behind the instance's secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        machine = "/v1/machines/{machine_id}"
        self.routes = [
            guard.route("/v1/machines", GET=self.machines),
            guard.route("/v1/machines", POST=self.create_machine),
            guard.route(machine, GET=self.machine),
            guard.route(machine, PATCH=self.update_machine),
            guard.route(machine, DELETE=self.delete_machine),
            guard.route(f"{machine}/secret_key", GET=self.secret_key),
            guard.route(f"{machine}/secret_key/rotate", POST=self.rotate_secret_key),
            guard.route(f"{machine}/scopes", POST=self.create_scope),
            guard.route(f"{machine}/scopes/{{other_id}}", DELETE=self.delete_scope),
        ]

    async def machines(self, request: Request) -> Response:
        """``GET /machines``, the newest first unless ``order_by`` says otherwise."""
        query = request.query_params.get("query", "").lower()
        machines = self._instance.machines.values()
        found = [each for each in machines if query in each.name.lower() or query == each.id.lower()]
        orders = {"created_at": lambda each: each.created_at, "name": lambda each: each.name}
        return Paging(request).counted(in_order(request, found, orders), self._object)

    async def create_machine(self, request: Request) -> Response:
        """``POST /machines``: the only answer besides ``GET /machines/ID/secret_key`` with the secret key."""
        if len(self._instance.machines) >= MAXIMUM_MACHINES:
            raise APIError(403, "quota_exceeded", f"There are {MAXIMUM_MACHINES} machines already.")
        body = await JSONBody.of(request)
        name, scopes = body.text("name"), body.texts("scoped_machines")
        lifetime = body.seconds("default_token_ttl")
        if unknown := [scope for scope in scopes if scope not in self._instance.machines]:
            raise body.invalid("scoped_machines", f"must hold ids of machines, and {unknown[0]} is none.")
        machine = self._instance.machines.create(name=name, scopes=scopes, default_token_lifetime=lifetime)
        return JSONResponse(self._object(machine) | {"secret_key": machine.secret_key})

    async def machine(self, request: Request) -> Response:
        """``GET /machines/ID``"""
        return JSONResponse(self._object(self._machine(request.path_params["machine_id"])))

    async def secret_key(self, request: Request) -> Response:
        """``GET /machines/ID/secret_key``"""
        machine = self._machine(request.path_params["machine_id"])
        return JSONResponse({"object": "machine_secret_key", "secret": machine.secret_key})

    async def create_scope(self, request: Request) -> Response:
        """``POST /machines/ID/scopes``: let the machine call another."""
        machine = self._machine(request.path_params["machine_id"])
        other = self._machine((await JSONBody.of(request)).text("to_machine_id"))
        self._instance.machines.allow(machine, other.id)
        return JSONResponse(
            {
                "object": "machine_scope",
                "from_machine_id": machine.id,
                "to_machine_id": other.id,
                "created_at": int(machine.updated_at * 1000),
            }
        )

    async def delete_scope(self, request: Request) -> Response:
        """``DELETE /machines/ID/scopes/OTHER``: tokens that exist keep what they have."""
        machine = self._machine(request.path_params["machine_id"])
        other_id = request.path_params["other_id"]
        if other_id not in machine.scopes:
            raise APIError(404, "resource_not_found", "The machine has no such scope.")
        self._instance.machines.disallow(machine, other_id)
        return JSONResponse(
            {
                "object": "machine_scope",
                "from_machine_id": machine.id,
                "to_machine_id": other_id,
                "deleted": True,
            }
        )

    async def update_machine(self, request: Request) -> Response:
        """``PATCH /machines/ID``"""
        machine, body = self._machine(request.path_params["machine_id"]), await JSONBody.of(request)
        name, lifetime = body.optional_text("name"), body.seconds("default_token_ttl")
        self._instance.machines.update(
            machine,
            name=machine.name if name is None else name,
            default_token_lifetime=machine.default_token_lifetime if lifetime is None else lifetime,
        )
        return JSONResponse(self._object(machine))

    async def delete_machine(self, request: Request) -> Response:
        """``DELETE /machines/ID``: its tokens are revoked."""
        machine = self._machine(request.path_params["machine_id"])
        self._instance.machines.delete(machine)
        for token in self._instance.m2m_tokens.all():
            if token.subject == machine.id:
                token.revoke(self._instance.clock(), "The machine was deleted.")
        return JSONResponse(deleted_object("machine", machine.id))

    async def rotate_secret_key(self, request: Request) -> Response:
        """``POST /machines/ID/secret_key/rotate``: the former is good for ``previous_token_ttl`` more."""
        machine, body = self._machine(request.path_params["machine_id"]), await JSONBody.of(request)
        previous_lifetime = body.number("previous_token_ttl", 0, _MAXIMUM_OVERLAP)
        if previous_lifetime is None:
            raise body.invalid("previous_token_ttl", "must be given; 0 ends the previous key at once.")
        self._instance.machines.rotate(machine, previous_lifetime=previous_lifetime)
        return JSONResponse({"object": "machine_secret_key", "secret": machine.secret_key})

    def _machine(self, id: str) -> Machine:
        machine = self._instance.machines.get(id)
        if machine is None:
            raise not_found("machine")
        return machine

    def _object(self, machine: Machine) -> dict[str, Any]:
        return machine_object(machine, self._instance.machines, self._instance.id)

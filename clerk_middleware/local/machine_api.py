"""The Backend API's endpoints about machines and their M2M tokens.

https://clerk.com/docs/guides/development/machine-auth/m2m-tokens
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .backend_guard import BackendGuard
from .credential_objects import listed, m2m_token_object, machine_object
from .credentials import M2MToken, Machine
from .errors import APIError
from .instance import Instance
from .issuing import CredentialIssuer
from .json_body import JSONBody
from .machine_seed import TokenFormat
from .machines import MAXIMUM_MACHINES

__all__ = ["MachineAPI"]


class MachineAPI:
    """Machines, behind the instance's secret key; their tokens, also behind a machine's."""

    def __init__(self, instance: Instance, issuer: CredentialIssuer, guard: BackendGuard) -> None:
        self._instance = instance
        self._issuer = issuer
        self._guard = guard
        guarded = guard.guarded
        machine = "/v1/machines/{machine_id}"
        self.routes = [
            Route("/v1/machines", guarded(self.machines), methods=["GET"]),
            Route("/v1/machines", guarded(self.create_machine), methods=["POST"]),
            Route(machine, guarded(self.machine), methods=["GET"]),
            Route(f"{machine}/secret_key", guarded(self.secret_key), methods=["GET"]),
            Route(f"{machine}/scopes", guarded(self.create_scope), methods=["POST"]),
            Route(f"{machine}/scopes/{{other_id}}", guarded(self.delete_scope), methods=["DELETE"]),
            Route("/v1/m2m_tokens", self.create_token, methods=["POST"]),
            Route("/v1/m2m_tokens/verify", self.verify_token, methods=["POST"]),
            Route("/v1/m2m_tokens/{token_id}/revoke", self.revoke_token, methods=["POST"]),
        ]

    async def machines(self, request: Request) -> Response:
        """``GET /machines``"""
        machines = self._instance.machines
        return JSONResponse(listed([machine_object(machine, machines) for machine in machines.values()]))

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

    async def create_token(self, request: Request) -> Response:
        """``POST /m2m_tokens``: a token of the machine whose secret key the request has."""
        machine = self._guard.machine(request)
        body = await JSONBody.of(request)
        token_format: TokenFormat = body.choice("token_format", ("opaque", "jwt"))
        lifetime = body.seconds("seconds_until_expiration") or machine.default_token_lifetime
        try:
            token = self._issuer.m2m_token(
                machine, lifetime=lifetime, claims=body.table("claims"), token_format=token_format
            )
        except ValueError as error:
            raise APIError(422, "form_param_value_invalid", f"{error}.", parameter="claims") from error
        return JSONResponse(self._token_object(token) | {"token": token.token})

    async def verify_token(self, request: Request) -> Response:
        """``POST /m2m_tokens/verify``: a machine learns of the tokens that it may be called with alone."""
        caller = self._guard.machine_or_instance(request)
        token = self._instance.m2m_tokens.presented((await JSONBody.of(request)).secret("token"))
        if token is None or (caller is not None and caller.id not in token.scopes):
            raise APIError(404, "resource_not_found", "There is no such M2M token.")
        return JSONResponse(self._token_object(token))

    async def revoke_token(self, request: Request) -> Response:
        """``POST /m2m_tokens/ID/revoke``: a machine revokes its own tokens alone."""
        caller = self._guard.machine_or_instance(request)
        reason = (await JSONBody.of(request)).optional_text("revocation_reason")
        token = self._instance.m2m_tokens.get(request.path_params["token_id"])
        if token is None or (caller is not None and caller.id != token.subject):
            raise APIError(404, "resource_not_found", "There is no M2M token of that id.")
        token.revoke(self._instance.clock(), reason)
        return JSONResponse(self._token_object(token))

    def _machine(self, id: str) -> Machine:
        machine = self._instance.machines.get(id)
        if machine is None:
            raise APIError(404, "resource_not_found", "There is no machine of that id.")
        return machine

    def _object(self, machine: Machine) -> dict[str, Any]:
        return machine_object(machine, self._instance.machines)

    def _token_object(self, token: M2MToken) -> dict[str, Any]:
        return m2m_token_object(token, self._instance.clock())

"""The machines of an instance, and which of them a secret key is of."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping

from .credentials import Machine
from .machine_seed import MachineSeed

__all__ = ["MAXIMUM_MACHINES", "Machines"]

#: Beyond those of a seed: nothing makes room, for each is there to stay.
MAXIMUM_MACHINES = 1000


class Machines(Mapping[str, Machine]):
    """Machines by id."""

    def __init__(self, seeds: Iterable[MachineSeed], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._machines: dict[str, Machine] = {}
        for seed in seeds:
            self.create(
                id=seed.id,
                name=seed.name,
                secret_key=seed.secret_key,
                scopes=seed.scopes,
                default_token_lifetime=seed.default_token_lifetime,
            )

    def __getitem__(self, id: str) -> Machine:
        return self._machines[id]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._machines))

    def __len__(self) -> int:
        return len(self._machines)

    def create(
        self,
        *,
        name: str,
        scopes: Iterable[str] = (),
        default_token_lifetime: int | None = None,
        id: str | None = None,
        secret_key: str | None = None,
    ) -> Machine:
        """A new machine."""
        now = self._clock()
        machine = Machine(
            id=id or f"mch_{secrets.token_hex(12)}",
            name=name,
            secret_key=secret_key or _new_secret_key(),
            scopes=tuple(scopes),
            default_token_lifetime=default_token_lifetime,
            created_at=now,
            updated_at=now,
        )
        self._machines[machine.id] = machine
        return machine

    def allow(self, machine: Machine, other: str) -> None:
        """Let `machine` call the machine of id `other`: in the tokens that it makes from now on."""
        self._change_scopes(machine, (*(scope for scope in machine.scopes if scope != other), other))

    def disallow(self, machine: Machine, other: str) -> None:
        """Undo `allow`."""
        self._change_scopes(machine, tuple(scope for scope in machine.scopes if scope != other))

    def update(self, machine: Machine, *, name: str, default_token_lifetime: int | None) -> None:
        """Call a machine something else, and let its tokens be good for another time."""
        machine.name, machine.default_token_lifetime = name, default_token_lifetime
        machine.updated_at = self._clock()

    def rotate(self, machine: Machine, *, previous_lifetime: float) -> None:
        """Give a machine a new secret key; the previous one is good for so many seconds more."""
        now = self._clock()
        machine.previous_secret_key, machine.previous_until = machine.secret_key, now + previous_lifetime
        machine.secret_key, machine.updated_at = _new_secret_key(), now

    def delete(self, machine: Machine) -> None:
        """Forget a machine, which proves itself no more and can be called by none."""
        self._machines.pop(machine.id, None)
        for other in self.values():
            if machine.id in other.scopes:
                self.disallow(other, machine.id)

    def of_secret_key(self, secret_key: str) -> Machine | None:
        """The machine that proves itself with `secret_key`."""
        given, now = secret_key.encode(errors="replace"), self._clock()
        for machine in self.values():
            if hmac.compare_digest(given, machine.secret_key.encode()):
                return machine
            is_good = now < machine.previous_until
            if is_good and hmac.compare_digest(given, machine.previous_secret_key.encode()):
                return machine
        return None

    def _change_scopes(self, machine: Machine, scopes: tuple[str, ...]) -> None:
        machine.scopes, machine.updated_at = scopes, self._clock()


def _new_secret_key() -> str:
    return f"ak_{secrets.token_hex(20)}"

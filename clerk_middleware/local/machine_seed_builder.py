"""From the tables of a seed to its machines and API keys."""

from __future__ import annotations

from collections.abc import Collection

from .machine_seed import APIKeySeed, MachineSeed
from .seed_reader import SeedReader

__all__ = ["api_keys_of", "machines_of"]


def machines_of(document: SeedReader) -> dict[str, MachineSeed]:
    """The machines by id, each of whose scopes names another."""
    machines: dict[str, MachineSeed] = {}
    tables: list[SeedReader] = []
    for table in document.listed_tables("machines"):
        lifetime = table.seconds("default_token_lifetime", 0)
        machine = MachineSeed(
            id=table.identifier("id", "mch_", machines),
            name=table.text("name"),
            secret_key=table.optional_identifier(
                "secret_key", "ak_", [other.secret_key for other in machines.values() if other.secret_key]
            ),
            scopes=table.texts("scopes"),
            default_token_lifetime=lifetime or None,
        )
        table.finish()
        machines[machine.id] = machine
        tables.append(table)
    for machine, table in zip(machines.values(), tables, strict=True):
        for scope in machine.scopes:
            if scope not in machines:
                table.fail("scopes", f"{scope!r} is no machine; there are: {', '.join(machines)}")
    return machines


def api_keys_of(document: SeedReader, subjects: Collection[str]) -> tuple[APIKeySeed, ...]:
    """The API keys, each of a user or an organization of the seed."""
    api_keys: list[APIKeySeed] = []
    for table in document.listed_tables("api_keys"):
        subject = table.text("subject")
        if subject not in subjects:
            table.fail("subject", f"{subject!r} is neither a user nor an organization of this seed")
        api_key = APIKeySeed(
            id=table.optional_identifier("id", "ak_", [key.id for key in api_keys if key.id]),
            secret=table.optional_identifier("secret", "ak_", [key.secret for key in api_keys if key.secret]),
            name=table.text("name"),
            subject=subject,
            scopes=table.texts("scopes"),
            claims=table.json("claims") or None,
            description=table.optional_text("description"),
        )
        table.finish()
        api_keys.append(api_key)
    return tuple(api_keys)

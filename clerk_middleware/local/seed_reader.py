"""Reading one table of a seed, key by key, with errors that say where the mistake is and what to write."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from clerk_middleware.errors import ConfigurationError

__all__ = ["SeedError", "SeedReader"]

_ID = re.compile(r"[A-Za-z0-9_-]+")


class SeedError(ConfigurationError):
    """A seed that cannot be used; the message names the file, the table, the key and what is wrong."""


class SeedReader:
    """One table of a seed. Every key is asked for by name, so what nobody asked for is a mistake."""

    def __init__(self, values: object, *, source: str, table: str = "") -> None:
        self._source = source
        self._table = table
        self._asked: set[str] = set()
        self._values: Mapping[Any, Any] = {}
        if not isinstance(values, Mapping):
            self.fail(None, f"must be a table, not {_kind(values)}")
        self._values = values

    def fail(self, key: str | None, problem: str) -> NoReturn:
        """Raise a `SeedError` about `key` of this table, or about the table itself."""
        where = " ".join(part for part in (self._table and f"[{self._table}]", key) if part)
        raise SeedError(f"{where}: {problem}" if where else problem, source=self._source)

    def text(self, key: str) -> str:
        """A string that must be there and not be empty."""
        value = self.optional_text(key)
        if value is None:
            self.fail(key, "is missing; write it as a string, such as " + f'{key} = "..."')
        return value

    def optional_text(self, key: str) -> str | None:
        """A string that need not be there, but is not empty where it is."""
        value = self._take(key)
        if value is not None and not isinstance(value, str):
            self.fail(key, f"must be a string, not {_kind(value)}")
        if value == "" or (value and not value.isprintable()):
            self.fail(key, "must be printable text that is not empty")
        return value

    def identifier(self, key: str, prefix: str, taken: Iterable[str] = ()) -> str:
        """An id that must be there, begins with `prefix` and is none of those that are taken."""
        value = self.text(key)
        if not value.startswith(prefix) or not _ID.fullmatch(value):
            rule = "must be letters, digits, _ and -" + (f", and begin with {prefix}" if prefix else "")
            self.fail(key, f"{value!r} {rule}")
        if value in taken:
            self.fail(key, f"{value!r} is taken already")
        return value

    def optional_identifier(self, key: str, prefix: str, taken: Iterable[str] = ()) -> str | None:
        """As `identifier`, but it need not be there."""
        return None if self.optional_text(key) is None else self.identifier(key, prefix, taken)

    def choice(self, key: str, choices: tuple[Any, ...], default: Any) -> Any:
        """One of `choices`."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or value not in choices:
            self.fail(key, f"must be {' or '.join(map(repr, choices))}, not {value!r}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fail(key, f"must be true or false, not {value!r}")
        return value

    def seconds(self, key: str, default: int, *, minimum: int = 1) -> int:
        """A whole number of seconds."""
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            self.fail(key, f"must be a whole number of seconds, {minimum} or more, not {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty where the seed has none."""
        value = self._take(key)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
            self.fail(key, 'must be a list of strings, such as ["one", "two"]')
        return tuple(value)

    def mapping(self, key: str) -> dict[str, Any]:
        """A table whose content is anybody's, such as metadata."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.fail(key, f"must be a table, not {_kind(value)}")
        return dict(value)

    def json(self, key: str) -> dict[str, Any]:
        """As `mapping`, of what JSON can say: unlike TOML it has no dates, for one."""
        values = self.mapping(key)
        try:
            json.dumps(values, allow_nan=False)
        except (TypeError, ValueError) as error:
            self.fail(key, f"must be what JSON can say: {error}")
        return values

    def table(self, key: str) -> SeedReader:
        """The table of that name, empty where the seed has none."""
        return SeedReader(self.mapping(key), source=self._source, table=self._name(key))

    def named_tables(self, key: str) -> Iterator[tuple[str, SeedReader]]:
        """The tables ``[key.NAME]`` with their names."""
        for name, values in self.mapping(key).items():
            yield name, SeedReader(values, source=self._source, table=f'{self._name(key)}."{name}"')

    def listed_tables(self, key: str) -> Iterator[SeedReader]:
        """The tables ``[[key]]``, counted from 1 in error messages."""
        values = self._take(key)
        if values is not None and not isinstance(values, list | tuple):
            self.fail(key, f"must be a list of tables, each begun by [[{key}]], not {_kind(values)}")
        for number, value in enumerate(values or (), start=1):
            yield SeedReader(value, source=self._source, table=f"{self._name(key)} {number}")

    def finish(self) -> None:
        """Refuse the keys that nobody asked for: a misspelt key would else be ignored in silence."""
        for key in self._values:
            if key not in self._asked:
                close = difflib.get_close_matches(str(key), self._asked, n=1)
                hint = (
                    f"did you mean {close[0]!r}?"
                    if close
                    else f"known here: {', '.join(sorted(self._asked))}"
                )
                self.fail(str(key), f"is no key of a seed; {hint}")

    def _take(self, key: str) -> Any:
        self._asked.add(key)
        return self._values.get(key)

    def _name(self, key: str) -> str:
        return f"{self._table}.{key}" if self._table else key


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "a list", str: "a string", dict: "a table"}
    return names.get(type(value), f"a {type(value).__name__}")

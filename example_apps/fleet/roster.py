"""Who has an account, as Clerk's webhooks say it: what your database keeps of Clerk's users."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from clerk_middleware.webhooks.users import UserData

from .claims import storable

#: Who may read it.
READ_ROSTER: Final = "org:admin:manage_users_and_roles"

_MAX_NAME_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class _Entry:
    #: `None` of one who left.
    name: str | None
    updated_at: int


class Roster:
    """The people by user id, in memory, for any number of threads.

    Messages may come in any order, and again after days where a delivery failed: so who left stays away
    (Clerk gives no id twice), and of two names the later one counts.

    :param size: how many are remembered, with those that left; the oldest are forgotten first.
    """

    def __init__(self, size: int = 1000) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size = size
        self._lock = Lock()

    def welcome(self, user_id: str, name: str, updated_at: int = 0) -> None:
        """For ``user.created``. *updated_at* is the user's own, in Unix milliseconds."""
        with self._lock:
            if user_id not in self._entries:  # else a later message came earlier
                self._put(user_id, _Entry(name, updated_at))

    def rename(self, user_id: str, name: str, updated_at: int = 0) -> None:
        """For ``user.updated``."""
        with self._lock:
            known = self._entries.get(user_id)
            if known is None or (known.name is not None and known.updated_at <= updated_at):
                self._put(user_id, _Entry(name, updated_at))

    def leave(self, user_id: str) -> None:
        """For ``user.deleted``."""
        with self._lock:
            self._put(user_id, _Entry(None, 0))

    def people(self) -> list[dict[str, str]]:
        """Who is there, by name: each with ``user_id`` and ``name``."""
        with self._lock:
            present = [
                (each.name, user_id) for user_id, each in self._entries.items() if each.name is not None
            ]
        return [{"user_id": user_id, "name": name} for name, user_id in sorted(present)]

    def _put(self, user_id: str, entry: _Entry) -> None:
        self._entries[user_id] = entry
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


def name_in(user: UserData) -> str:
    """What to call a user of a webhook's; the id, where they gave no name."""
    name = " ".join(filter(None, (user["first_name"], user["last_name"])))
    return storable(name)[:_MAX_NAME_LENGTH] or user["id"]

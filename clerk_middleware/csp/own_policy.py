"""The policy of this library: Clerk's defaults, with the application's additions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from .directives import DEFAULTS, LAX, NONE, STRICT, STRICT_DYNAMIC, UNSAFE_INLINE, needs
from .policy import names_single_ones

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .directives import Need, Places

#: Stands for a request's nonce in what is made once.
PLACE_OF_NONCE: Final = "\0"
_NONCE: Final = f"'nonce-{PLACE_OF_NONCE}'"


class OwnPolicy(NamedTuple):
    """What is the same for each response of an application with one Frontend API."""

    needs: tuple[Need, ...]
    #: Each directive by its name, such as ``default-src 'self'``.
    directives: dict[str, str]
    #: The policy, divided where the nonce belongs.
    pieces: list[str]

    @classmethod
    def of(
        cls,
        added: Mapping[str, Sequence[str]],
        reporting: Mapping[str, str],
        strict: bool,
        places: Places,
    ) -> OwnPolicy:
        required = needs(places)
        lists = _lists(added, required, strict)
        directives = {name: " ".join((name, *sources)) for name, sources in lists.items()}
        text = "; ".join([*directives.values(), *reporting.values()])
        return cls(required, directives, text.split(PLACE_OF_NONCE))


def _lists(
    added: Mapping[str, Sequence[str]], required: Iterable[Need], strict: bool
) -> dict[str, Sequence[str]]:
    always = {name: need.sources for need in required for name in need.own}
    lists: dict[str, Sequence[str]] = {**DEFAULTS}
    if strict:
        for name in ("script-src", "script-src-elem"):
            always[name] = (*always[name], _NONCE, STRICT_DYNAMIC)
        lists["script-src"] = [source for source in lists["script-src"] if source not in LAX]
        lists |= STRICT
    lists = {name: _united(sources, always.get(name, ())) for name, sources in lists.items()}
    for name, sources in added.items():
        if not sources:
            lists[name] = ()
        elif list(sources) == [NONE]:  # nothing of the defaults, but Clerk has to work
            kept = always.get(name, ()) if name != "form-action" else ()  # no form, nothing that follows one
            lists[name] = kept or (NONE,)
        else:
            lists[name] = _united(lists.get(name, ()), sources, always.get(name, ()))
        if strict and name in ("style-src", "style-src-elem") and names_single_ones(sources):
            lists[name] = [_NONCE if source == UNSAFE_INLINE else source for source in lists[name]]
    return lists


def _united(*lists: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(source for sources in lists for source in sources if source != NONE)) or [NONE]

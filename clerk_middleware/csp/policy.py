"""A policy that an application sends: read as browsers read it, and amended with what Clerk needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .directives import FETCH, NONE, SELF, STRICT_DYNAMIC, UNSAFE_INLINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .directives import Need

# ASCII white space only, as browsers split: str.split() knows more.
_SPACE = "\t\n\f\r "
_WORD = re.compile(rf"[^{_SPACE}]+")
_ONE_OF_A_KIND = re.compile(r"'(?:nonce|sha256|sha384|sha512)-.+'", re.IGNORECASE)


class Policy:
    """One policy, whose text stays as it was but for the directives that are written (CSP3, 2.2.1)."""

    def __init__(self, text: str) -> None:
        self._parts = text.split(";")
        self._places: dict[str, int] = {}
        self._sources: dict[str, list[str]] = {}
        for place, part in enumerate(self._parts):
            # Browsers pass over a directive that is not ASCII, and over the second of a name.
            words = _WORD.findall(part) if part.isascii() else []
            if words and (name := words[0].lower()) not in self._places:
                self._places[name] = place
                self._sources[name] = words[1:]

    def __str__(self) -> str:
        return ";".join(self._parts)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    @property
    def is_blank(self) -> bool:
        return not self._places

    @property
    def restricts_fetches(self) -> bool:
        return not FETCH.isdisjoint(self._places)

    def write(self, name: str, text: str) -> None:
        """Set a directive: in its place, or as a new one at the end."""
        place = self._places.get(name)
        if place is not None:
            space = len(self._parts[place]) - len(self._parts[place].lstrip(_SPACE))
            self._parts[place] = self._parts[place][:space] + text
            return
        while self._parts and not self._parts[-1].strip(_SPACE):
            del self._parts[-1]
        self._places[name] = len(self._parts)
        self._parts.append(f" {text}" if self._parts else text)

    def amend(self, needs: Iterable[Need], nonce: str | None) -> None:
        """Allow what Clerk needs, and nothing else, where a directive restricts it.

        :param nonce: the source for this request's nonce.
        """
        # All are found before one is written: what is written for one need is a fallback of another.
        deciding = [(need, self._deciding(need)) for need in needs]
        for need, name in deciding:
            if name is None:
                continue
            present = self._sources[name]
            missing = _missing(need, present, nonce)
            if missing:
                sources = [source for source in present if source.lower() != NONE] + missing
                target = name if name in need.own else need.own[-1]
                self.write(target, f"{target} {' '.join(sources)}")

    def _deciding(self, need: Need) -> str | None:
        return next((name for name in (*need.own, *need.fallback) if name in self), None)


def _missing(need: Need, present: Sequence[str], nonce: str | None) -> list[str]:
    known = {source.lower() for source in present}
    if need.is_form and known <= {NONE}:
        return []  # without forms nothing follows one
    sources = need.sources
    if nonce is not None:
        if need.is_style and names_single_ones(present):
            sources = (nonce,)  # beside nonces and hashes browsers ignore 'unsafe-inline'
        elif need.is_script and not _allows_inline(present, known):
            sources = (*sources, nonce)
    return [source for source in sources if source not in present and not _is_covered(source, known)]


def _allows_inline(present: Iterable[str], known: set[str]) -> bool:
    """Whether each inline script runs already, as none would that has no nonce once there is one."""
    return UNSAFE_INLINE in known and STRICT_DYNAMIC not in known and not names_single_ones(present)


def names_single_ones(sources: Iterable[str]) -> bool:
    return any(_ONE_OF_A_KIND.fullmatch(source) for source in sources)


def _is_covered(source: str, known: set[str]) -> bool:
    if "*" in known and (source == SELF or "://" in source):
        return True
    return source in known or ("https:" in known and source.startswith("https://"))

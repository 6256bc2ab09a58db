"""`CSP`: what an application says about its Content Security Policy."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, cast

from ..generations import Generations
from ..lazy import lazy
from . import validation as check
from .own_policy import OwnPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .directives import Places
    from .validation import Directives

# A process serves few instances, and nobody from outside adds one: see `ResponsePolicy`.
_INSTANCES = 64


@dataclass(frozen=True, kw_only=True)
class CSP:
    """A Content Security Policy that lets Clerk work: for ``ClerkConfig(content_security_policy=CSP())``.

    Without options it is the default configuration of Clerk's page
    (https://clerk.com/docs/guides/secure/best-practices/csp-headers). A policy that the application sends
    itself takes its place, and gets what Clerk requires only.

    For example::

        CSP(strict=True, directives={"font-src": ["self", "https://fonts.gstatic.com"]})

    :raises ConfigurationError: naming what is wrong with which directive, and what to write in its place.
    """

    #: The application's own sources, in addition to the defaults: as a list, or as one text with spaces.
    #: Keywords may go without their quotes. ``none`` drops the defaults, but not what Clerk requires.
    directives: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    #: Whether scripts need the request's nonce, or a script that has it and loads them (``strict-dynamic``).
    #: Pages with a nonce are for no shared cache: each visitor's has to be another one.
    strict: bool = False
    #: Whether browsers only report what the policy would block.
    report_only: bool = False
    #: Where browsers report to: an ``https://`` URL, or a path of this application.
    report_to: str | None = None

    def __post_init__(self) -> None:
        for flag in ("strict", "report_only"):
            check.flag(flag, getattr(self, flag))
        object.__setattr__(self, "directives", check.directives(self.directives, self.strict))
        check.report_to(self.report_to)

    def __getstate__(self) -> dict[str, Any]:
        """What it was made from, without what was computed."""
        return {option.name: getattr(self, option.name) for option in fields(self)}

    @lazy
    def header(self) -> str:
        """The name, in lower case, of the header that the policy is in."""
        return f"content-security-policy{'-report-only' if self.report_only else ''}"

    @lazy
    def reporting(self) -> dict[str, str]:
        """The directives for reports: ``report-uri`` is for browsers that do not know the other."""
        if self.report_to is None:
            return {}
        return {"report-to": "report-to csp-endpoint", "report-uri": f"report-uri {self.report_to}"}

    def own_policy(self, places: Places) -> OwnPolicy:
        """The policy where the application sends none."""
        made = self._own_policies.get(places)
        if made is None:
            directives = cast("Directives", self.directives)
            made = OwnPolicy.of(directives, self.reporting, self.strict, places)
            self._own_policies.add(places, made)
        return made

    @lazy
    def _own_policies(self) -> Generations[Places, OwnPolicy]:
        return Generations(_INSTANCES)

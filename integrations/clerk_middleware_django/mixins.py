"""Mixins for class-based views, as Django's `LoginRequiredMixin`: to the left of the view's class."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from django.views import View

from clerk_middleware import ConfigurationError
from clerk_middleware.protection import Requirement
from clerk_middleware.tokens.classes import MACHINE_TOKEN_TYPES

from .caching import watch_cache
from .requirements import acheck, check, expect_no_rest_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest

    from clerk_middleware.authorization import Preset, Reverification
    from clerk_middleware.tokens.classes import AcceptsToken

    class _View(View[Any]):
        """What a mixin is mixed into, for type checkers."""
else:
    _View = object


# The parameter of `Requirement` that each attribute gives.
_ATTRIBUTES = {
    **{f"clerk_{asked}": asked for asked in ("permission", "role", "feature", "plan", "reverification")},
    "clerk_accepts_token": "accepts_token",
    "clerk_scope": "scopes",
}


class ClerkAuthRequiredMixin(_View):
    """Requires somebody to be signed in.

    A view with several of these mixins requires what all of them do.
    """

    #: Which of the attributes below must be set, by the mixin that asks for it.
    clerk_requires: ClassVar[str | None] = None

    #: A permission in the active organization, such as ``org:teams:manage``.
    clerk_permission: str | None = None
    #: A role in the active organization, such as ``org:admin``.
    clerk_role: str | None = None
    #: A feature of the user's or the organization's plan, such as ``export``.
    clerk_feature: str | None = None
    #: A plan of the user or the organization, such as ``pro``.
    clerk_plan: str | None = None
    #: How lately credentials must have been verified: a preset's name, or level and age.
    clerk_reverification: Preset | Reverification | Mapping[str, object] | None = None
    #: Which types of token are accepted: ``session_token`` unless set, ``api_key``, ``m2m_token``,
    #: ``oauth_token``, a list of these, or ``any`` that the application accepts.
    clerk_accepts_token: AcceptsToken | None = None
    #: What a machine's token must be good for, such as ``read:loads``: a scope, or a list of several. Nothing
    #: else is asked of a machine: permissions and the like are a session's.
    clerk_scope: str | Sequence[str] | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        expect_no_rest_view(cls)
        order = cls.__mro__
        if View in order and order.index(ClerkAuthRequiredMixin) > order.index(View):
            raise ConfigurationError(
                f"{cls.__name__} would not be protected: name the mixin before the view's class, as in "
                f"class {cls.__name__}(ClerkAuthRequiredMixin, View)"
            )
        for name in _ATTRIBUTES:
            first, *others = [kind for kind in order if name in vars(kind)]
            rivals = [kind for kind in others if not issubclass(first, kind)]
            if rivals:
                raise ConfigurationError(
                    f"{cls.__name__} would not require what {rivals[0].__name__} does: {first.__name__} sets "
                    f"{name}, too, and one value counts. Require the other by a decorator, or override "
                    "get_clerk_requirement()"
                )
        for kind in order:
            for name in vars(kind):
                if name.startswith("clerk_") and not hasattr(ClerkAuthRequiredMixin, name):
                    nearest = get_close_matches(name, _ATTRIBUTES, 1, cutoff=0.0)[0]
                    raise ConfigurationError(
                        f"{kind.__name__}.{name} would require nothing: did you mean {nearest}? What begins "
                        "with clerk_ is this mixin's, so choose another name for an attribute of your own"
                    )

    @classmethod
    def as_view(cls, **options: Any) -> Any:
        if cls.get_clerk_requirement is ClerkAuthRequiredMixin.get_clerk_requirement:
            cls(**options).get_clerk_requirement()  # what is wrong fails where the URLs are written
        view = super().as_view(**options)
        if cls.dispatch is ClerkAuthRequiredMixin.dispatch:  # or else nothing may be checked before it
            view.login_required = False  # type: ignore[attr-defined]  # see decorators.py
        return view

    def get_clerk_requirement(self) -> Requirement:
        """What the view requires; override it to decide by the request."""
        for mixin in type(self).__mro__:
            required = vars(mixin).get("clerk_requires")
            if required is not None and getattr(self, f"clerk_{required}") is None:
                raise ConfigurationError(
                    f"{type(self).__name__} is a {mixin.__name__}, but does not say what it requires: set "
                    f"clerk_{required}"
                )
        asked = {name: getattr(self, attribute) for attribute, name in _ATTRIBUTES.items()}
        wanted: Any = {name: value for name, value in asked.items() if value is not None}
        if "scopes" in wanted and not wanted["scopes"]:
            raise ConfigurationError(
                f"{type(self).__name__}.clerk_scope names no scope: write one, such as 'read:loads', or "
                "leave it out"
            )
        return Requirement(**wanted)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if self.view_is_async:
            return self._adispatch(request, *args, **kwargs)
        refused = check(request, self.get_clerk_requirement())
        if refused is not None:
            return refused
        with watch_cache(request) as watched:
            watched.response = super().dispatch(request, *args, **kwargs)
        return watched.response

    async def _adispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refused = await acheck(request, self.get_clerk_requirement())
        if refused is not None:
            return refused
        with watch_cache(request) as watched:
            watched.response = await super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return watched.response


class ClerkPermissionRequiredMixin(ClerkAuthRequiredMixin):
    """Requires the permission `clerk_permission`, such as ``org:teams:manage``."""

    clerk_requires = "permission"


class ClerkRoleRequiredMixin(ClerkAuthRequiredMixin):
    """Requires the role `clerk_role`, such as ``org:admin``."""

    clerk_requires = "role"


class ClerkFeatureRequiredMixin(ClerkAuthRequiredMixin):
    """Requires the feature `clerk_feature`, such as ``export``."""

    clerk_requires = "feature"


class ClerkPlanRequiredMixin(ClerkAuthRequiredMixin):
    """Requires the plan `clerk_plan`, such as ``pro``."""

    clerk_requires = "plan"


class ClerkReverificationRequiredMixin(ClerkAuthRequiredMixin):
    """Requires credentials to have been verified lately: `clerk_reverification`, ``strict`` unless set."""

    clerk_requires = "reverification"
    clerk_reverification: Preset | Reverification | Mapping[str, object] | None = "strict"


class ClerkScopeRequiredMixin(ClerkAuthRequiredMixin):
    """Requires a machine's token that is good for `clerk_scope`, such as ``read:loads``.

    Of any type that the application accepts, or of those of `clerk_accepts_token`. A session, if it is among
    them, needs no scope.
    """

    clerk_requires = "scope"
    clerk_accepts_token: AcceptsToken | None = MACHINE_TOKEN_TYPES

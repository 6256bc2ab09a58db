"""Mixins for class-based views, as Django's `LoginRequiredMixin`: to the left of the view's class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.views import View

from clerk_middleware import ConfigurationError
from clerk_middleware.protection import Requirement

from .checking import acheck, check, expect_no_rest_view
from .responses import vary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clerk_middleware.authorization import Preset, Reverification

    class _View(View[Any]):
        """What a mixin is mixed into, for type checkers."""
else:
    _View = object


_ASKED = ("permission", "role", "feature", "plan", "reverification")


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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        expect_no_rest_view(cls)
        order = cls.__mro__
        if View in order and order.index(ClerkAuthRequiredMixin) > order.index(View):
            raise ConfigurationError(
                f"{cls.__name__} would not be protected: name the mixin before the view's class, as in "
                f"class {cls.__name__}(ClerkAuthRequiredMixin, View)"
            )
        for name in vars(cls):
            if name.startswith("clerk_") and not hasattr(ClerkAuthRequiredMixin, name):
                known = ", ".join(map(_attribute, _ASKED))
                raise ConfigurationError(f"{cls.__name__}.{name} would require nothing: there are {known}")

    @classmethod
    def as_view(cls, **options: Any) -> Any:
        if cls.get_clerk_requirement is ClerkAuthRequiredMixin.get_clerk_requirement:
            cls(**options).get_clerk_requirement()  # what is wrong fails where the URLs are written
        view = super().as_view(**options)
        view.login_required = False  # type: ignore[attr-defined]  # see decorators.py
        return view

    def get_clerk_requirement(self) -> Requirement:
        """What the view requires; override it to decide by the request."""
        asked = {name: getattr(self, _attribute(name)) for name in _ASKED}
        for mixin in type(self).__mro__:
            required = vars(mixin).get("clerk_requires")
            if required is not None and asked[required] is None:
                raise ConfigurationError(
                    f"{type(self).__name__} is a {mixin.__name__}, but does not say what it requires: set "
                    f"{_attribute(required)}"
                )
        wanted: Any = {name: value for name, value in asked.items() if value is not None}
        return Requirement(**wanted)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if self.view_is_async:
            return self._adispatch(request, *args, **kwargs)
        refused = check(request, self.get_clerk_requirement())
        if refused is not None:
            return refused
        response = super().dispatch(request, *args, **kwargs)
        vary(response)
        return response

    async def _adispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refused = await acheck(request, self.get_clerk_requirement())
        if refused is not None:
            return refused
        response: HttpResponseBase = await super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        vary(response)
        return response


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


def _attribute(asked: str) -> str:
    return f"clerk_{asked}"

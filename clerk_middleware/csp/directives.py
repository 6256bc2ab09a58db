"""The directives of a policy: their names, Clerk's defaults, and what Clerk can't do without."""

from __future__ import annotations

from typing import Final, NamedTuple

NONE: Final = "'none'"
SELF: Final = "'self'"
UNSAFE_INLINE: Final = "'unsafe-inline'"
STRICT_DYNAMIC: Final = "'strict-dynamic'"
_CHALLENGES: Final = "https://challenges.cloudflare.com"
_IMAGES: Final = "https://img.clerk.com"

#: What says where something may be loaded from (CSP3, 6.1).
FETCH: Final = frozenset(
    {
        "child-src",
        "connect-src",
        "default-src",
        "fenced-frame-src",
        "font-src",
        "frame-src",
        "img-src",
        "manifest-src",
        "media-src",
        "object-src",
        "prefetch-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "worker-src",
    }
)
#: What has no value.
FLAGS: Final = frozenset({"block-all-mixed-content", "upgrade-insecure-requests"})
KNOWN: Final = FETCH | FLAGS | {
    "base-uri",
    "form-action",
    "frame-ancestors",
    "navigate-to",
    "require-trusted-types-for",
    "sandbox",
    "trusted-types",
}  # fmt: skip

#: The default configuration of Clerk's page, without the Frontend API.
DEFAULTS: Final[dict[str, tuple[str, ...]]] = {
    "connect-src": (
        SELF,
        "https://clerk-telemetry.com",
        "https://*.clerk-telemetry.com",
        "https://api.stripe.com",
        "https://maps.googleapis.com",
    ),
    "default-src": (SELF,),
    "form-action": (SELF,),
    "frame-src": (
        SELF,
        _CHALLENGES,
        "https://*.js.stripe.com",
        "https://js.stripe.com",
        "https://hooks.stripe.com",
    ),
    "img-src": (SELF, _IMAGES),
    "script-src": (
        SELF,
        UNSAFE_INLINE,
        "https:",
        "http:",
        "https://*.js.stripe.com",
        "https://js.stripe.com",
        "https://maps.googleapis.com",
    ),
    "style-src": (SELF, UNSAFE_INLINE),
    "worker-src": (SELF, "blob:"),
}
#: What has no place in the ``script-src`` of a strict policy.
LAX: Final = frozenset({UNSAFE_INLINE, "https:", "http:"})
#: What a strict policy adds: an injected ``<base>`` or ``<object>`` would get around nonces.
STRICT: Final[dict[str, tuple[str, ...]]] = {"base-uri": (NONE,), "object-src": (NONE,)}


class Need(NamedTuple):
    """Something that Clerk loads, and the directives that decide on it: the first one there is counts."""

    #: Those that decide on nothing else, the most special first: they may be added to.
    own: tuple[str, ...]
    #: Those that they fall back to, which decide on more (CSP3, 6.8.3).
    fallback: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def is_form(self) -> bool:
        return "form-action" in self.own

    @property
    def is_script(self) -> bool:
        return "script-src" in self.own

    @property
    def is_style(self) -> bool:
        return "style-src" in self.own


class Places(NamedTuple):
    """The sources that cover what is different for each instance; `None` where it is not known."""

    frontend_api: str | None
    #: The page to sign in on.
    sign_in: str | None = None


def needs(places: Places) -> tuple[Need, ...]:
    """What Clerk's page requires, and what redirects to Clerk do."""
    api = () if places.frontend_api is None else (places.frontend_api,)
    # To this site they lead only where forms may be sent to it: 'self' is not for this library to add.
    redirects = tuple(dict.fromkeys(place for place in places if place is not None and place != SELF))
    default = ("default-src",)
    return (
        Need(("connect-src",), default, api),
        # Browsers apply it to the redirects that follow a form, too: to a handshake, or to sign in.
        Need(("form-action",), (), redirects),
        Need(("frame-src",), ("child-src", "default-src"), (_CHALLENGES,)),
        Need(("img-src",), default, (_IMAGES,)),
        Need(("script-src-elem", "script-src"), default, (*api, _CHALLENGES)),
        Need(("style-src-elem", "style-src"), default, (UNSAFE_INLINE,)),
        Need(("worker-src",), ("child-src", "script-src", "default-src"), (SELF, "blob:")),
    )

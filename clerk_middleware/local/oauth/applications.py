"""OAuth applications: those of the seed, of the Backend API, and those that register themselves."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..bounded import BoundedStore
from .redirect_uris import check_redirect_uri, is_same
from .seed import OAuthApplicationSeed

__all__ = ["OAuthApplication", "OAuthApplications"]


@dataclass(kw_only=True, slots=True)
class OAuthApplication:
    """A program of somebody else's, which users may let act for them. Times are Unix seconds."""

    id: str
    client_id: str
    #: `None` for a public application, which proves itself by PKCE alone.
    client_secret: str | None = field(repr=False)
    name: str
    redirect_uris: tuple[str, ...]
    #: What it may ask for, and what it asks for when it doesn't say.
    scopes: tuple[str, ...]
    consent_screen: bool = True
    #: Whether it registered itself, so that nobody vouches for its name.
    is_dynamic: bool = False
    #: Whether a user ever let it in.
    is_used: bool = False
    is_deleted: bool = False
    created_at: float
    updated_at: float

    @property
    def public(self) -> bool:
        """Whether it can keep no secret, as a program on a user's device or in a browser."""
        return self.client_secret is None

    def leads_to(self, redirect_uri: str) -> bool:
        """Whether it registered `redirect_uri`."""
        return any(is_same(registered, redirect_uri) for registered in self.redirect_uris)


class OAuthApplications:
    """The applications, by client id."""

    def __init__(self, seeds: Iterable[OAuthApplicationSeed], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._configured: BoundedStore[OAuthApplication] = BoundedStore(1000)
        # Anybody can register: that pushes out neither what a developer made nor what a user let in.
        self._dynamic: BoundedStore[OAuthApplication] = BoundedStore(
            1000, goes_first=lambda application: not application.is_used
        )
        for seed in seeds:
            self.create(
                id=seed.id,
                client_id=seed.client_id,
                client_secret=seed.client_secret,
                name=seed.name,
                redirect_uris=seed.redirect_uris,
                scopes=seed.scopes,
                public=seed.public,
                consent_screen=seed.consent_screen,
            )

    def create(
        self,
        *,
        name: str,
        redirect_uris: Iterable[str],
        scopes: Iterable[str],
        public: bool,
        consent_screen: bool = True,
        dynamic: bool = False,
        id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> OAuthApplication:
        """A new application. Raises `RedirectURIRefused`."""
        now = self._clock()
        secret = None if public else client_secret or secrets.token_urlsafe(32)
        application = OAuthApplication(
            id=id or f"oa_{secrets.token_hex(12)}",
            client_id=client_id or f"client_{secrets.token_hex(12)}",
            client_secret=secret,
            name=name,
            redirect_uris=tuple(check_redirect_uri(uri) for uri in redirect_uris),
            scopes=tuple(scopes),
            consent_screen=consent_screen or dynamic,
            is_dynamic=dynamic,
            created_at=now,
            updated_at=now,
        )
        (self._dynamic if dynamic else self._configured).put(application.client_id, application)
        return application

    def update(
        self,
        application: OAuthApplication,
        *,
        name: str,
        redirect_uris: Iterable[str],
        scopes: Iterable[str],
        consent_screen: bool,
    ) -> None:
        """Change an application. Raises `RedirectURIRefused`."""
        application.redirect_uris = tuple(check_redirect_uri(uri) for uri in redirect_uris)
        application.name, application.scopes = name, tuple(scopes)
        application.consent_screen, application.updated_at = consent_screen, self._clock()

    def rotate_secret(self, application: OAuthApplication) -> None:
        """Give an application a new client secret; the previous one is worthless."""
        application.client_secret, application.updated_at = secrets.token_urlsafe(32), self._clock()

    def get(self, client_id: str) -> OAuthApplication | None:
        """The application that calls itself `client_id`."""
        return self._configured.get(client_id) or self._dynamic.get(client_id)

    def with_id(self, id: str) -> OAuthApplication | None:
        """The application of that id."""
        return next((application for application in self.all() if application.id == id), None)

    def all(self) -> list[OAuthApplication]:
        """Every application, the oldest first."""
        applications = [*self._configured.values(), *self._dynamic.values()]
        return sorted(applications, key=lambda application: application.created_at)

    def delete(self, application: OAuthApplication) -> None:
        """Forget an application, whose tokens are worthless from now on."""
        application.is_deleted = True
        self._configured.pop(application.client_id)
        self._dynamic.pop(application.client_id)

"""Clerk's official client for Python, as an authenticator offers it.

https://github.com/clerk/clerk-sdk-python
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigurationError
from ..generations import Generations
from .official_http import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Hashable

    from clerk_backend_api import Clerk
    from clerk_backend_api.httpclient import AsyncHttpClient, HttpClient

    from ..config import ClerkConfig

#: Of an application that serves many instances, those that it has just served.
_MAX_INSTANCES: Final = 128


class OfficialClients:
    """One for each Clerk instance, by its API and secret key. They have no connections of their own."""

    def __init__(self, client: HttpClient, async_client: AsyncHttpClient) -> None:
        self._client = client
        self._async_client = async_client
        self._known: Generations[Hashable, Clerk] = Generations(_MAX_INSTANCES)

    def of(self, config: ClerkConfig) -> Clerk:
        """The client of *config*'s instance.

        :raises ConfigurationError: if that has no secret key, or the extra ``backend`` is not installed.
        """
        known = self.known(config)
        if known is not None:
            return known
        secret_key = config.secret_key
        if secret_key is None:
            raise ConfigurationError(
                "Clerk's Backend API takes a secret key: set it (CLERK_SECRET_KEY)", option="secret_key"
            )
        made = _client_class()(
            bearer_auth=lambda: secret_key,  # a text would be in the repr of its configuration
            server_url=f"{config.api_url}/{config.api_version}",
            client=self._client,
            async_client=self._async_client,
            retry_config=None,  # by default it goes on for an hour, and pauses for as long as it is told to
            timeout_ms=round(TIMEOUT * 1000),
            debug_logger=_Silent(),
        )
        _ = made.users  # is imported by this, and so not when an event loop first asks for somebody
        self._known.add(config.instance, made)
        return made

    def known(self, config: ClerkConfig) -> Clerk | None:
        """The same, if it was made already."""
        return self._known.get(config.instance)


class _Silent:
    """For the client to log to: it would log tokens, in what it is answered."""

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


@cache
def _client_class() -> type[Clerk]:
    """Made when it is first needed: that takes a few tenths of a second."""
    try:
        from clerk_backend_api import Clerk
    except ImportError as error:
        raise ConfigurationError(
            "Clerk's Python SDK can't be imported: pip install 'clerk-middleware[backend]'"
        ) from error

    class Shared(Clerk):
        """What is shared is not closed by who is done with it, as in ``with authenticator.backend``."""

        def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
            """Nothing: closing the connections is the authenticator's."""

        async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
            """Likewise."""

    Shared.__name__ = Clerk.__name__  # for messages, as of a member that it does not have
    return Shared

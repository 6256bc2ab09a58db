"""What programs may call without anybody at a browser: the same in every framework.

Partners read loads, with an API key of their company's or by an OAuth application that acts for a driver.
The tracking service, which is ours, reports where the trucks are, with an M2M token.
"""

from typing import Final

from clerk_middleware import TokenType

#: What a partner's API key or OAuth application must be good for.
READ_LOADS: Final = "read:loads"
#: Who may read loads by the API: people as before, and partners.
READERS: Final[tuple[TokenType, ...]] = ("session_token", "api_key", "oauth_token")

#: The part of the application that OAuth clients call; what they need to know of it is served, too.
OAUTH_RESOURCES: Final = ("/api",)
OAUTH_SCOPES: Final = (READ_LOADS,)

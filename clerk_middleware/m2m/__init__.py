"""M2M tokens for this machine to send: made, and put into the requests of an httpx client.

    orders = httpx.Client(base_url="https://orders.internal", auth=M2MBearer(authenticator))

https://clerk.com/docs/guides/development/machine-auth/m2m-tokens
"""

from .bearer import M2MBearer
from .creation import M2MToken, TokenFormat
from .tokens import AsyncM2MTokens, M2MTokens

__all__ = ["AsyncM2MTokens", "M2MBearer", "M2MToken", "M2MTokens", "TokenFormat"]

"""The Frontend API, ``/v1`` without the secret key: what browsers, by clerk-js, ask Clerk.

https://clerk.com/docs/reference/frontend-api
"""

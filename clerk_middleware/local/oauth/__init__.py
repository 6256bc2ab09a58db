"""The OAuth 2 authorization server of LocalClerk, with what OpenID Connect adds that clients ask for."""

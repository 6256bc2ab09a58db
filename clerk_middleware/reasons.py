"""Why a request is not signed in, in the words of Clerk's own SDKs.

Values of `RequestState.reason` and `TokenVerificationError.reason`. Log and alert on these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# A token that was refused.
TOKEN_INVALID: Final = "token-invalid"
TOKEN_INVALID_ALGORITHM: Final = "token-invalid-algorithm"
TOKEN_INVALID_AUTHORIZED_PARTIES: Final = "token-invalid-authorized-parties"
TOKEN_INVALID_SIGNATURE: Final = "token-invalid-signature"
TOKEN_VERIFICATION_FAILED: Final = "token-verification-failed"
TOKEN_EXPIRED: Final = "token-expired"
TOKEN_NOT_ACTIVE_YET: Final = "token-not-active-yet"
TOKEN_IAT_IN_THE_FUTURE: Final = "token-iat-in-the-future"
TOKEN_TYPE_MISMATCH: Final = "token-type-mismatch"
NO_TOKEN_IN_HEADER: Final = "No token in header"

# The key to verify it with.
JWK_KID_MISMATCH: Final = "jwk-kid-mismatch"
JWK_FAILED_TO_LOAD: Final = "jwk-remote-failed-to-load"
JWK_FAILED_TO_RESOLVE: Final = "jwk-failed-to-resolve"
SECRET_KEY_INVALID: Final = "secret-key-invalid"

# The browser flow.
DEV_BROWSER_MISSING: Final = "dev-browser-missing"
DEV_BROWSER_SYNC: Final = "dev-browser-sync"
SESSION_TOKEN_MISSING: Final = "session-token-missing"
SESSION_TOKEN_AND_UAT_MISSING: Final = "session-token-and-uat-missing"
SESSION_TOKEN_BUT_NO_CLIENT_UAT: Final = "session-token-but-no-client-uat"
CLIENT_UAT_BUT_NO_SESSION_TOKEN: Final = "client-uat-but-no-session-token"
SESSION_TOKEN_IAT_BEFORE_CLIENT_UAT: Final = "session-token-iat-before-client-uat"
SESSION_TOKEN_NBF: Final = "session-token-nbf"
SESSION_TOKEN_IAT_IN_THE_FUTURE: Final = "session-token-iat-in-the-future"
SESSION_TOKEN_EXPIRED_REFRESH: Final = "session-token-expired-refresh-"
SATELLITE_NEEDS_SYNCING: Final = "satellite-needs-syncing"
PRIMARY_RESPONDS_TO_SYNCING: Final = "primary-responds-to-syncing"
PRIMARY_DOMAIN_CROSS_ORIGIN_SYNC: Final = "primary-domain-cross-origin-sync"
ACTIVE_ORGANIZATION_MISMATCH: Final = "active-organization-mismatch"
UNEXPECTED_ERROR: Final = "unexpected-error"

# What follows SESSION_TOKEN_EXPIRED_REFRESH; the Backend API's own error codes do, too.
REFRESH_NON_GET: Final = "non-eligible-non-get"
REFRESH_NO_COOKIE: Final = "non-eligible-no-refresh-cookie"
REFRESH_FETCH_ERROR: Final = "fetch-error"
REFRESH_BACKEND_ERROR: Final = "unexpected-bapi-error"
REFRESH_NO_COOKIES_ANSWERED: Final = "unexpected-sdk-error"
REFRESH_INVALID_TOKEN: Final = "invalid-session-token"
REFRESH_UNDECODABLE: Final = "expired-session-token-decode-failed"
REFRESH_NO_SESSION_ID: Final = "expired-session-token-missing-sid-claim"

#: In words, for a developer, what the flow itself finds. A refused token has a message of its own.
EXPLANATIONS: Final[Mapping[str, str]] = {
    TOKEN_TYPE_MISMATCH: "a token of this type is not accepted here: see accepts_token",
    NO_TOKEN_IN_HEADER: "the request has no bearer token",
    DEV_BROWSER_MISSING: (
        "the request has neither a bearer token nor the cookie that a browser gets on its first "
        "visit to an application of a development instance"
    ),
    DEV_BROWSER_SYNC: "the browser comes from a page of Clerk's, to take over its session",
    SESSION_TOKEN_MISSING: "the handshake found nobody signed in",
    SESSION_TOKEN_AND_UAT_MISSING: "the request has neither a bearer token nor a session cookie",
    SESSION_TOKEN_BUT_NO_CLIENT_UAT: "there is a __session cookie, but no __client_uat to go with it",
    CLIENT_UAT_BUT_NO_SESSION_TOKEN: "the __client_uat cookie tells of a session, but __session is missing",
    SESSION_TOKEN_IAT_BEFORE_CLIENT_UAT: "the session changed after its token was issued",
    SATELLITE_NEEDS_SYNCING: "the primary domain knows who is signed in, and this satellite has to ask",
    PRIMARY_RESPONDS_TO_SYNCING: "a satellite asked who is signed in",
    PRIMARY_DOMAIN_CROSS_ORIGIN_SYNC: "the browser comes from another origin, where its session may differ",
    ACTIVE_ORGANIZATION_MISMATCH: "the URL belongs to another organization than the active one",
}

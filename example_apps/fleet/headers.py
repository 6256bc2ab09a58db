"""A Content-Security-Policy and its companions, for an application whose users sign in with Clerk."""

from urllib.parse import urlsplit

from clerk_middleware import ClerkConfig


def security_headers(config: ClerkConfig) -> dict[str, str]:
    """The headers that belong on every answer."""
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        # Browsers hold a form also to where its answer redirects: a handshake, or sign-in.
        " ".join(["form-action 'self'", *clerk_origins(config)]),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "content-security-policy": "; ".join(policy),
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }


def clerk_origins(config: ClerkConfig) -> list[str]:
    """Where this instance's Frontend API and sign-in page are."""
    key = config.parsed_publishable_key
    urls = [config.proxy_url or f"https://{key.frontend_api}" if key else "", config.sign_in_url or ""]
    if key and not config.sign_in_url:
        urls.append(key.account_portal())
    origins = {url._replace(path="", query="", fragment="").geturl() for url in map(urlsplit, urls)}
    return sorted(filter(None, origins))  # a path of this application has no origin

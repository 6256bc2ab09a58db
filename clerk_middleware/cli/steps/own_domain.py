"""What an application serves of Clerk's at its own domain, and what it tells browsers of it."""

from __future__ import annotations

import re

from ..stage import PROXY
from ..tour import Tour, Unexpected, expect

_SCRIPT = re.compile(r"<script\b[^>]*>", re.IGNORECASE)
_NONCE = re.compile(r'nonce="([^"]*)"')


def handshake_by_proxy(tour: Tour) -> None:
    """A handshake goes through the application's own /__clerk: no redirect leaves its origin"""
    session = tour.clerk.sign_in("user_dev", "blue-ridge-freight")
    if session.client is None:
        raise Unexpected("LocalClerk has no browser for the session")
    answer = tour.browser("proxied").visit(tour.url(f"/loads?__clerk_db_jwt={session.client.token}"))
    tour.page(answer, "Dev Patel")
    tour.handshake_of(answer)
    hosts = {hop.url.netloc.decode() for hop in (*answer.history, answer)}
    expect("hosts on the way", hosts, {tour.demo.app_url.removeprefix("http://")})
    told = {each.proxy_url for each in tour.clerk.proxied_requests}
    expect("the proxy, as LocalClerk is told", told, {tour.url(PROXY)})


def proxy_for_clerk_alone(tour: Tour) -> None:
    """What names another host by the path is refused, and nobody is asked for it"""
    before = len(tour.clerk.proxied_requests)
    for path in ("//attacker.example/", "/https://attacker.example/", "/..%2f..%2f", "/%5cattacker.example"):
        answer = tour.browser("attacker").request(tour.url(f"{PROXY}{path}"))
        expect(f"status of {path}", answer.status_code, 400)
        expect("code", answer.json()["errors"][0]["code"], "proxy_path_mismatch")
    expect("requests to LocalClerk", len(tour.clerk.proxied_requests) - before, 0)


def content_security_policy(tour: Tour) -> None:
    """A page's policy lets only scripts run that have its nonce; each answer has another one"""
    nonces = [_nonce_of(tour, "dev", path) for path in ("/", "/loads", "/loads", "/no-such-page")]
    expect("nonces that differ", len(set(nonces)), len(nonces))
    proxied = tour.browser("dev").request(tour.url(f"{PROXY}/.well-known/jwks.json"))
    expect("status of what is Clerk's", proxied.status_code, 200)
    expect("its policy", proxied.headers.get("content-security-policy"), None)


def _nonce_of(tour: Tour, name: str, path: str) -> str:
    """The nonce of a page, once all that should have it does."""
    page = tour.browser(name).visit(tour.url(path))
    policies = page.headers.get_list("content-security-policy")
    expect("policies", len(policies), 1)
    sources = _sources_of_scripts(policies[0])
    expect("sources of scripts", sources, lambda those: "'strict-dynamic'" in those, as_text="strict ones")
    expect("unsafe sources of scripts", [each for each in sources if each.startswith("'unsafe")], [])
    nonce = str(page.headers.get("x-nonce", ""))
    expect("the policy's nonce", f"'nonce-{nonce}'" in sources and len(nonce) > 20, True)
    scripts = _SCRIPT.findall(page.text)
    expect("nonces of the page's scripts", {tuple(_NONCE.findall(each)) for each in scripts}, {(nonce,)})
    return nonce


def _sources_of_scripts(policy: str) -> list[str]:
    directives = [each.split() for each in policy.split(";")]
    return next((words[1:] for words in directives if words[0] == "script-src"), [])

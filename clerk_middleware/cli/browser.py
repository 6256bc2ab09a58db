"""A browser of few words: keeps cookies, follows redirects, and says of a request what browsers say."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

__all__ = ["Browser", "form_on", "link_on"]

_NAVIGATION = {
    "accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
}
_FETCH = {"accept": "application/json", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}

_FORM = re.compile(r'<form[^>]* action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r"<input[^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_CSRF_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]*)">')


class Browser:
    """One person's browser. Application and LocalClerk may be on one host: cookies know no ports."""

    def __init__(self) -> None:
        # No proxy of the environment's: everything here is on this machine.
        self._client = httpx.Client(trust_env=False, timeout=10)
        # What the forms of the pages that it was shown would send besides what is typed, by their action.
        self._hidden: dict[str, dict[str, str]] = {}
        # What the last page has for its scripts to send, as Flask-WTF wants it.
        self._csrf_token = ""

    def close(self) -> None:
        self._client.close()

    def request(self, url: str) -> httpx.Response:
        """Navigate, and stop at the first answer."""
        self._let_time_pass()
        return self._shown(self._client.get(url, headers={**_NAVIGATION, "sec-fetch-site": "none"}))

    def visit(self, url: str) -> httpx.Response:
        """Navigate to where redirects lead; `Response.history` holds them."""
        self._let_time_pass()
        headers = {**_NAVIGATION, "sec-fetch-site": "none"}
        return self._shown(self._client.get(url, headers=headers, follow_redirects=True))

    def submit(self, url: str, form: Mapping[str, str], *, page: str | None = None) -> httpx.Response:
        """Send a form that is on *page*, by default one of the same site, and follow redirects.

        With the form's hidden fields, if it was on a page that was shown: another site can't know them.
        """
        self._let_time_pass()
        page = page or url
        is_own = _origin(page) == _origin(url)
        headers = {
            **_NAVIGATION,
            "origin": _origin(page),
            "referer": page,
            "sec-fetch-site": "same-origin" if is_own else "cross-site",
        }
        fields = {**(self._hidden.get(url, {}) if is_own else {}), **form}
        return self._shown(self._client.post(url, data=fields, headers=headers, follow_redirects=True))

    def fetch(
        self, url: str, json: Any = None, *, token: str | None = None, anonymous: bool = False
    ) -> httpx.Response:
        """What a page's script does: GET, or POST with *json*. With *token*, as another program would."""
        headers = {**_FETCH, "sec-fetch-site": "same-origin", "origin": _origin(url)}
        # Scripts copy Django's cookie into a header, or what a page has for them.
        if csrf_token := self.cookie("csrftoken") or self._csrf_token:
            headers["x-csrftoken"] = csrf_token
        if token is not None or anonymous:
            headers = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
            with httpx.Client(trust_env=False, timeout=10) as program:
                return _get_or_post(program, url, json, headers)
        return _get_or_post(self._client, url, json, headers)

    def cookie(self, name: str) -> str | None:
        """A cookie's value."""
        return next((cookie.value for cookie in self._cookies(name)), None)

    def cookie_names(self) -> set[str]:
        return {cookie.name for cookie in self._client.cookies.jar}

    def replace_cookie(self, name: str, value: str) -> None:
        """Give a cookie that is there, and its twins with a suffix, another value."""
        for cookie in self._cookies(name):
            cookie.value = value

    def forget_cookie(self, name: str) -> None:
        for cookie in list(self._cookies(name)):
            self._client.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)

    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._client.cookies.jar)

    def _shown(self, answer: httpx.Response) -> httpx.Response:
        if answer.headers.get("content-type", "").startswith("text/html"):
            self._csrf_token = "".join(_CSRF_TOKEN.findall(answer.text))
            for action, content in _FORM.findall(answer.text):
                fields = (dict(_ATTRIBUTE.findall(field)) for field in _FIELD.findall(content))
                self._hidden[urljoin(str(answer.url), html.unescape(action))] = {
                    html.unescape(field["name"]): html.unescape(field["value"])
                    for field in fields
                    if field.get("type") == "hidden"
                }
        return answer

    def _cookies(self, name: str) -> Iterator[Cookie]:
        for cookie in self._client.cookies.jar:
            if cookie.name == name or cookie.name.startswith(f"{name}_"):
                yield cookie

    def _let_time_pass(self) -> None:
        """The counter of redirects lives for two seconds, in which a person makes no further visit."""
        self.forget_cookie("__clerk_redirect_count")


def link_on(page: httpx.Response, path: str) -> str:
    """The link on a page whose URL has this path, "" where there is none."""
    links = (html.unescape(link) for link in re.findall(r'href="([^"]+)"', page.text))
    found = next((link for link in links if urlsplit(link).path == path), "")
    return urljoin(str(page.url), found) if found else ""


def form_on(page: httpx.Response, name: str) -> str:
    """Where the form on a page goes whose URL ends in */name* or */name/*, "" where there is none."""
    actions = (html.unescape(action) for action, _ in _FORM.findall(page.text))
    found = next((action for action in actions if action.rstrip("/").endswith(f"/{name}")), "")
    return urljoin(str(page.url), found) if found else ""


def _get_or_post(client: httpx.Client, url: str, json: Any, headers: Mapping[str, str]) -> httpx.Response:
    if json is None:
        return client.get(url, headers={**headers})
    return client.post(url, json=json, headers={**headers})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

"""Answers as Flask's responses, and what authenticating adds to the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, current_app
from werkzeug.datastructures import Headers

from clerk_middleware.response_headers import cookies_of, varied

if TYPE_CHECKING:
    from clerk_middleware import RequestState
    from clerk_middleware.answers import Answer


def response_of(answer: Answer) -> Response:
    """An answer of the library's, for Flask to send."""
    response = current_app.response_class(answer.body, answer.status)
    headers = answer.headers
    if not any(name == "content-type" for name, _ in headers):
        headers = [*headers, ("content-type", "text/plain; charset=utf-8")]
    response.headers = Headers(headers)
    return response


def add_headers(response: Response, state: RequestState) -> None:
    """Pass on the cookies that authenticating sets, and tell caches what the response depends on."""
    headers, cookies = response.headers, cookies_of(state)
    headers["Vary"] = varied(headers.getlist("Vary"))
    for line in cookies:
        headers.add("Set-Cookie", line)
    if cookies:  # no cache may hand one user's cookies to another
        headers["Cache-Control"] = "no-store"

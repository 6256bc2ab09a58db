"""Answers as Flask's responses, and what authenticating adds to the application's."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from flask import Response, current_app
from werkzeug.datastructures import Headers

from clerk_middleware.response_headers import cookies_of, with_clerk_headers

if TYPE_CHECKING:
    from clerk_middleware import RequestState
    from clerk_middleware.answers import Answer
    from clerk_middleware.csp import ResponsePolicy


def response_of(answer: Answer) -> Response:
    """An answer of the library's, for Flask to send."""
    response = current_app.response_class(answer.body, answer.status)
    response.headers = Headers(answer.headers)
    return response


def with_headers(response: Response, state: RequestState) -> Response:
    """A view's response, with what authenticating its request adds."""
    if cookies_of(state) or state.policy is not None:
        response = own(response)
    response.headers = Headers(with_clerk_headers(response.status_code, response.headers, state, str))
    return response


def with_policy(response: Response, policy: ResponsePolicy) -> Response:
    """A page for a request that was not authenticated, with its policy."""
    response = own(response)
    response.headers = Headers(policy.headers(response.status_code, response.headers, str))
    return response


def own(response: Response) -> Response:
    """A response whose headers are one visitor's: a view may keep the other, and return it to anybody."""
    response = copy(response)
    response.headers = Headers(response.headers)
    return response

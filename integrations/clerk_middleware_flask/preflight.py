"""CORS preflight requests, which carry no credentials (https://fetch.spec.whatwg.org/#cors-preflight-fetch)."""

from __future__ import annotations

from flask import request


def is_preflight() -> bool:
    """Whether Flask answers ``OPTIONS`` by itself, with nothing but the methods of the route.

    No view runs then; what requires something before one lets the request pass.
    """
    return request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False)

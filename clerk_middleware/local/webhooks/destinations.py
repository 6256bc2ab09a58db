"""Where a webhook's request goes, and where its answer would have it go instead."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

__all__ = ["Destination", "destination_of", "redirect_of"]

#: Characters of a redirect that are kept.
_MAXIMUM_REDIRECT = 200


class Destination(NamedTuple):
    """What the request for a URL is made of."""

    url: httpx.URL
    host_header: str
    #: The host that a certificate has to be of.
    certificate_of: str


def destination_of(url: str) -> Destination:
    """The destination of an endpoint's URL. One below ``.localhost`` is this machine, whatever DNS says."""
    named = reached = httpx.URL(url)
    # Not all resolvers know these names, and some ask others for them: RFC 6761, 6.3.
    if named.host.removesuffix(".").endswith(".localhost"):
        reached = named.copy_with(host="localhost")
    return Destination(reached, named.netloc.decode("ascii"), named.raw_host.decode("ascii"))


def redirect_of(response: httpx.Response, url: str) -> str | None:
    """Where an answer redirects to, fit for a log: no query, no user name, nothing but printable ASCII."""
    if not response.has_redirect_location:
        return None
    target = re.split("[?#]", response.headers["location"], maxsplit=1)[0]
    target = re.sub("//[^/]*@", "//", target)
    own = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    if target.lower().startswith(f"{own.lower()}/"):
        target = target[len(own) :]
    return re.sub(r"[^!-~]", "?", target)[:_MAXIMUM_REDIRECT]

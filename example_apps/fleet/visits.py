"""What a refusal has to know of the request, for a page that says more than a status."""

from urllib.parse import urlencode, urlsplit


def is_for_page(path: str, accept: str) -> bool:
    """Whether a person is going to look at the answer."""
    return not path.startswith("/api/") and "text/html" in accept


def page_before(referer: str, url: str) -> str:
    """The page that a form was on, if it is one of ours, as *url* is."""
    here = urlsplit(url)
    try:
        page = urlsplit(referer)
    except ValueError:  # no URL at all
        page = urlsplit("")
    path = page.path if page.netloc == here.netloc else "/dashboard"
    return here._replace(path=path, query="", fragment="").geturl()


def verification_link(verify_url: str | None, back: str) -> str | None:
    """Where users prove again who they are, to come *back* from there."""
    return f"{verify_url}?{urlencode({'redirect_url': back})}" if verify_url else None

"""What Django's error pages and mails must not show.

https://docs.djangoproject.com/en/stable/howto/error-reporting/#filtering-sensitive-information
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.views.debug import SafeExceptionReporterFilter

if TYPE_CHECKING:
    from django.http import HttpRequest


class _HidesMore(SafeExceptionReporterFilter):
    """Django's own filter, which goes by names, with those of Clerk's cookies and of a policy's nonce."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern
        + "|^__(session|refresh|client|clerk)|^http_x_nonce$|csp_nonce",
        re.IGNORECASE,
    )


_FILTER = _HidesMore()
_DJANGOS = "django.views.debug.SafeExceptionReporterFilter"


def hide_secrets(request: HttpRequest) -> None:
    """Keep Clerk's cookies, and nonces, out of reports on *request*; a project's own filter stays."""
    if settings.DEFAULT_EXCEPTION_REPORTER_FILTER == _DJANGOS:
        given: Any = request
        given.exception_reporter_filter = _FILTER

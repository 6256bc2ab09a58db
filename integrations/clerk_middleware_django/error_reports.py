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


class _HidesCookies(SafeExceptionReporterFilter):
    """Django's own filter, which goes by names, with those of Clerk's cookies."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|^__(session|refresh|client|clerk)",
        re.IGNORECASE,
    )


_FILTER = _HidesCookies()
_DJANGOS = "django.views.debug.SafeExceptionReporterFilter"


def hide_cookies(request: HttpRequest) -> None:
    """Keep Clerk's cookies out of reports on *request*; a project's own filter stays."""
    if settings.DEFAULT_EXCEPTION_REPORTER_FILTER == _DJANGOS:
        given: Any = request
        given.exception_reporter_filter = _FILTER

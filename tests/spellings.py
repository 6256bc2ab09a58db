"""Paths as clients may spell them, and what they are to routes, whatever the protocol."""

from __future__ import annotations

#: Patterns of the paths that need a session.
ADMIN = ["/admin", "/admin/(.*)"]

#: All of them are what `ADMIN` protects.
OF_ADMIN = [
    "/admin",
    "/admin/",
    "/admin?x=1",
    "/admin/users",
    "/%61dmin",
    "/%61%64%6d%69%6E",
    "/admin%2Fusers",
    "/admin/%3Fx",
    "/admin/%23x",
    "/admin%0A",
    "/admin/%0A",
    "/admin/a%0Ab",
    "/admin/%00",
    "/admin/%C3%A9",
    "/admin/%ff",
    "/admin//users",
    "//admin",
    "/./admin",
    "/admin/./users",
    "/admin/../admin/users",
    "/x/../admin/users",
    "/admin/a;b=c",
    "/ADMIN",
    "/Admin/Users",
]

#: None of them is.
NOT_OF_ADMIN = ["/", "//", "/administrators", "/public/admin", "/%2561dmin", "/%C3%A9"]

#: Patterns of the only paths that need no session.
PUBLIC = ["/", "/sign-in", "/sign-in/(.*)", "/café"]

#: Paths, and how a request that is signed out is answered.
ANSWERED = [
    ("/", 200),
    ("/sign-in", 200),
    ("/sign-in/factor-two", 200),
    ("/sign%2Din", 200),
    ("/caf%C3%A9", 200),
    ("/sign-in/%0A", 200),  # one of "/sign-in/(.*)"
    ("/admin", 401),
    ("//sign-in", 401),
    ("/sign-in%0A/x", 401),
    ("/%0A", 401),  # what a route "/{name}" takes for a name
    ("/sign-inn", 401),
    ("/x/sign-in", 401),
    ("/%3F", 401),
    ("/%23", 401),
]

#: Patterns with characters that URLs encode.
TO_BE_ENCODED = ["/café", "/my files", "/a|b", "/100%"]

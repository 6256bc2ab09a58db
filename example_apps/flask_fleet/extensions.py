"""The extensions, which serve each application that is made: `create_app` sets them up for one."""

from flask_wtf import CSRFProtect  # type: ignore[import-untyped]

from clerk_middleware_flask import Clerk

clerk = Clerk()
csrf = CSRFProtect()

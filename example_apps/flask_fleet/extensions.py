"""The extension, which serves each application that is made: `create_app` sets it up for one."""

from clerk_middleware_flask import Clerk

clerk = Clerk()

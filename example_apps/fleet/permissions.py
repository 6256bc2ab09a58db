"""Who may do what, where one permission's name does not say it: the same in every framework."""

from clerk_middleware import SessionAuth

#: To pay, the password must be younger than a minute: so short that you get to see it.
JUST_VERIFIED = {"level": "first_factor", "after_minutes": 1}


def may_see_loads(auth: SessionAuth) -> bool:
    return auth.has(permission="org:dispatcher:access_dispatch_dashboard") or auth.has(
        permission="org:admin:view_edit_all_loads"
    )


def may_read_audit_log(auth: SessionAuth) -> bool:
    """Two roles may, each by a permission of its own: `protect` takes such a condition."""
    return auth.has(permission="org:admin:view_audit_logs") or auth.has(
        permission="org:compliance:access_audit_logs"
    )

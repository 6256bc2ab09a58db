"""What components show of the application, and where its pages are unless the application says so itself."""

from __future__ import annotations

from typing import Any

from ..instance import Instance

__all__ = ["display_config"]


def display_config(instance: Instance, *, url: str, home: str) -> dict[str, Any]:
    """The ``display_config`` of an environment.

    `url` is LocalClerk's, as the page reaches it, and `home` the page to which everything returns.
    """
    return {
        "object": "display_config",
        "id": "display_config_local",
        "application_name": instance.seed.name,
        "instance_environment_type": instance.seed.instance_type,
        "preferred_sign_in_strategy": "password",
        "sign_in_url": f"{url}/sign-in",
        "sign_up_url": f"{url}/sign-up",
        "after_sign_in_url": home,
        "after_sign_up_url": home,
        "after_sign_out_all_url": home,
        "after_sign_out_one_url": home,
        "after_switch_session_url": home,
        "home_url": home,
        "user_profile_url": home,
        "organization_profile_url": home,
        "create_organization_url": home,
        "after_leave_organization_url": home,
        "after_create_organization_url": home,
        "waitlist_url": home,
        "after_join_waitlist_url": home,
        # No pictures, and no captcha: neither is to be had without a network.
        "logo_image_url": "",
        "favicon_image_url": "",
        "captcha_public_key": None,
        "captcha_public_key_invisible": None,
        "captcha_widget_type": None,
        "captcha_provider": "turnstile",
        "captcha_oauth_bypass": [],
        "captcha_heartbeat": False,
        "branded": False,
        "show_devmode_warning": instance.is_development,
        "support_email": "",
        "terms_url": "",
        "privacy_policy_url": "",
        "google_one_tap_client_id": None,
        "clerk_js_version": None,
        "theme": _THEME,
    }


_THEME = {
    "general": {
        "color": "#6c47ff",
        "background_color": "#ffffff",
        "font_family": "sans-serif",
        "font_color": "#151515",
        "label_font_weight": "500",
        "padding": "1em",
        "border_radius": "0.5em",
        "box_shadow": "0 2px 8px rgba(0, 0, 0, 0.2)",
    },
    "buttons": {"font_color": "#ffffff", "font_family": "sans-serif", "font_weight": "600"},
    "accounts": {"background_color": "#ffffff"},
}

"""What the events of users, sessions and messages to them carry: the types of ``event.data``.

Times are Unix milliseconds. Required is what Clerk's own types have in every message; their examples in the
dashboard leave out some of it, and a newer Clerk adds to it.
https://clerk.com/docs/guides/development/webhooks/overview
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class VerificationData(TypedDict):
    """How an address was, or is to be, verified."""

    #: ``verified``, ``unverified``, ``expired``, ``failed``, ``transferable``, …
    status: str
    strategy: str
    attempts: NotRequired[int | None]
    expire_at: NotRequired[int | None]


class IdentificationLinkData(TypedDict):
    id: str
    type: str


class EmailAddressData(TypedDict):
    """One of a user's email addresses; no proof of anything unless its verification says ``verified``."""

    id: str
    email_address: str
    verification: VerificationData | None
    linked_to: list[IdentificationLinkData]
    object: NotRequired[Literal["email_address"]]


class PhoneNumberData(TypedDict):
    id: str
    phone_number: str
    verification: VerificationData | None
    linked_to: NotRequired[list[IdentificationLinkData]]
    reserved_for_second_factor: NotRequired[bool]
    default_second_factor: NotRequired[bool]
    object: NotRequired[Literal["phone_number"]]


class Web3WalletData(TypedDict):
    id: str
    web3_wallet: str
    verification: VerificationData | None
    object: NotRequired[Literal["web3_wallet"]]


class ExternalAccountData(TypedDict):
    """An account at an OAuth provider that a user signs in with."""

    id: str
    provider: str
    provider_user_id: str
    email_address: str
    approved_scopes: NotRequired[str]
    identification_id: NotRequired[str]
    first_name: NotRequired[str]
    last_name: NotRequired[str]
    username: NotRequired[str | None]
    image_url: NotRequired[str]
    public_metadata: NotRequired[dict[str, Any] | None]
    label: NotRequired[str | None]
    verification: NotRequired[VerificationData | None]
    object: NotRequired[str]


class UserData(TypedDict):
    """``user.created`` and ``user.updated``."""

    id: str
    object: Literal["user"]
    username: str | None
    first_name: str | None
    last_name: str | None
    image_url: str
    email_addresses: list[EmailAddressData]
    phone_numbers: list[PhoneNumberData]
    web3_wallets: list[Web3WalletData]
    external_accounts: list[ExternalAccountData]
    #: Which of `email_addresses` is the user's main one.
    primary_email_address_id: str | None
    primary_phone_number_id: str | None
    primary_web3_wallet_id: str | None
    external_id: str | None
    password_enabled: bool
    two_factor_enabled: bool
    #: What only the backend writes, and anybody who is this user reads.
    public_metadata: dict[str, Any]
    private_metadata: dict[str, Any]
    #: What users write themselves: not to be trusted.
    unsafe_metadata: dict[str, Any]
    last_sign_in_at: int | None
    created_at: int
    updated_at: int
    has_image: NotRequired[bool]
    totp_enabled: NotRequired[bool]
    backup_code_enabled: NotRequired[bool]
    banned: NotRequired[bool]
    locked: NotRequired[bool]
    lockout_expires_in_seconds: NotRequired[int | None]
    verification_attempts_remaining: NotRequired[int | None]
    password_last_updated_at: NotRequired[int | None]
    last_active_at: NotRequired[int | None]
    create_organization_enabled: NotRequired[bool]
    create_organizations_limit: NotRequired[int | None]
    delete_self_enabled: NotRequired[bool]
    legal_accepted_at: NotRequired[int | None]
    locale: NotRequired[str | None]


class DeletedData(TypedDict):
    """What is left of something that was deleted."""

    object: str
    deleted: bool
    id: NotRequired[str]
    slug: NotRequired[str]


class UserDeletedData(DeletedData):
    """``user.deleted``."""

    external_id: NotRequired[str]


class SessionActivityData(TypedDict):
    id: str
    is_mobile: bool
    device_type: NotRequired[str]
    browser_name: NotRequired[str]
    browser_version: NotRequired[str]
    ip_address: NotRequired[str]
    city: NotRequired[str]
    country: NotRequired[str]


class SessionData(TypedDict):
    """``session.created``, ``.pending``, ``.ended``, ``.removed`` and ``.revoked``."""

    id: str
    object: Literal["session"]
    client_id: str
    user_id: str
    status: str
    last_active_at: int
    expire_at: int
    abandon_at: int
    created_at: int
    updated_at: int
    last_active_organization_id: NotRequired[str]
    #: Who acts in the user's name.
    actor: NotRequired[dict[str, Any] | None]
    latest_activity: NotRequired[SessionActivityData]
    user: NotRequired[UserData | None]


class EmailData(TypedDict):
    """``email.created``. Its body may hold a one-time code: keep it out of logs."""

    id: str
    object: Literal["email"]
    from_email_name: str
    email_address_id: str | None
    delivered_by_clerk: bool
    slug: NotRequired[str | None]
    to_email_address: NotRequired[str]
    user_id: NotRequired[str | None]
    subject: NotRequired[str]
    body: NotRequired[str]
    body_plain: NotRequired[str | None]
    status: NotRequired[str]
    data: NotRequired[dict[str, Any] | None]


class SMSData(TypedDict):
    """``sms.created``. Its message may hold a one-time code: keep it out of logs."""

    id: str
    object: Literal["sms_message"]
    from_phone_number: str
    to_phone_number: str
    phone_number_id: str | None
    message: str
    status: str
    delivered_by_clerk: bool
    user_id: NotRequired[str]
    slug: NotRequired[str | None]
    data: NotRequired[dict[str, Any] | None]


class WaitlistEntryData(TypedDict):
    """``waitlistEntry.created`` and ``waitlistEntry.updated``."""

    id: str
    object: Literal["waitlist_entry"]
    status: str
    email_address: str
    is_locked: bool
    created_at: int
    updated_at: int
    invitation: NotRequired[dict[str, Any] | None]

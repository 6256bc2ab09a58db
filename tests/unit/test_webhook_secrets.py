"""Signing secrets: where they come from, and what is none."""

from __future__ import annotations

import base64
import traceback
from typing import Any

import pytest

from clerk_middleware import ConfigurationError, WebhookVerificationError
from clerk_middleware.webhooks import WebhookReceiver, verify_webhook
from clerk_middleware.webhooks.secrets import signing_keys

from ..webhook_messages import SECRET, STRANGERS, a_secret, an_event, signed

VARIABLE = "CLERK_WEBHOOK_SIGNING_SECRET"
BODY = an_event()


def verify(secret: Any = None, headers: Any = None) -> Any:
    return verify_webhook(BODY, headers or signed(BODY), signing_secret=secret)


def problem(secret: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        verify(secret)
    assert caught.value.option == "webhook_signing_secret"
    shown = "".join(traceback.format_exception(caught.value))
    if isinstance(secret, str) and len(secret.strip("=")) > 12:
        assert secret[6:].strip("=") not in shown
    return str(caught.value)


@pytest.fixture(autouse=True)
def no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


class TestFromTheEnvironment:
    def test_are_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, f" {SECRET} ")
        assert verify().type == "user.created"

    def test_are_several(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, f"{STRANGERS}, {SECRET},")
        assert verify()
        assert verify(headers=signed(BODY, secrets=[STRANGERS]))

    def test_are_not_added_to_those_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, SECRET)
        with pytest.raises(WebhookVerificationError):
            verify(STRANGERS)

    @pytest.mark.parametrize("value", [None, "", "  ", ",", " , "])
    def test_are_needed(self, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        if value is not None:
            monkeypatch.setenv(VARIABLE, value)
        assert "set the environment variable CLERK_WEBHOOK_SIGNING_SECRET" in problem(None)
        with pytest.raises(ConfigurationError, match="'Webhooks' in the Clerk Dashboard"):
            WebhookReceiver()

    def test_are_named_where_one_is_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, f"{SECRET},sk_test_1234567890")
        text = problem(None)
        assert text.startswith(f"the environment variable {VARIABLE}: does not start with 'whsec_'.")
        assert "the secret key of the Backend API" in text

    def test_are_read_once_by_a_receiver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, SECRET)
        webhooks = WebhookReceiver()
        monkeypatch.setenv(VARIABLE, STRANGERS)
        assert webhooks.handle(BODY, signed(BODY)).status == 204
        assert webhooks.handle(BODY, signed(BODY, secrets=[STRANGERS])).status == 400


class TestWhatIsNone:
    @pytest.mark.parametrize("secret", [(), [], "", "  ", [""], [SECRET, ""]])
    def test_verifies_nothing(self, secret: Any) -> None:
        assert "is empty, so nothing can be verified" in problem(secret)
        with pytest.raises(ConfigurationError):
            WebhookReceiver(secret)

    @pytest.mark.parametrize(
        ("secret", "hint"),
        [
            ("sk_live_1234567890", "the secret key of the Backend API"),
            ("pk_test_1234567890", "the publishable key"),
            ("ak_1234567890", "an API key"),
            ("whpk_1234567890", "that Clerk does not use"),
            ("whsk_1234567890", "that Clerk does not use"),
            (SECRET.removeprefix("whsec_"), "does not start with 'whsec_'. Copy"),
            (SECRET.upper(), "does not start with 'whsec_'. Copy"),
            (f" {SECRET}", "does not start with 'whsec_'. Copy"),
            (f"{SECRET}\n", "is not base64"),
            (f"{SECRET[:20]} {SECRET[20:]}", "is not base64"),
            (f"{SECRET}=={SECRET}", "is not base64"),
            (f"{SECRET},{STRANGERS}", "pass several secrets as a list"),
            ("whsec_" + "é" * 40, "is not base64"),
            ("whsec_" + "-_" * 20, "is not base64"),
            (f"{SECRET}A", "is not base64"),
            ("whsec_", "too short"),
            ("whsec_" + "=" * 40, "too short"),
            (a_secret(size=23), "too short"),
        ],
        ids=lambda value: value[:12],
    )
    def test_teaches(self, secret: str, hint: str) -> None:
        text = problem(secret)
        assert hint in text
        assert text.startswith("signing_secret: ")

    @pytest.mark.parametrize("secret", [5, SECRET.encode(), {SECRET}, [SECRET.encode()], [None], object()])
    def test_is_text(self, secret: Any) -> None:
        assert "text" in problem(secret)


@pytest.mark.parametrize("size", [24, 25, 26, 32, 64, 75])
def test_any_length_from_24_bytes_on_will_do(size: int) -> None:
    secret = a_secret(size=size)
    assert verify(secret, signed(BODY, secrets=[secret]))
    assert verify(secret.rstrip("="), signed(BODY, secrets=[secret]))


def test_the_keys_of_a_configuration() -> None:
    keys = signing_keys([SECRET, STRANGERS], "webhook_signing_secret")
    assert [base64.b64encode(key).decode() for key in keys] == [SECRET[6:], STRANGERS[6:]]
    with pytest.raises(ConfigurationError) as caught:
        signing_keys(["whsec_"], "CLERK['webhook_signing_secret']")
    assert caught.value.source == "CLERK['webhook_signing_secret']"
    with pytest.raises(ConfigurationError, match="must be text or a list of texts"):
        signing_keys(SECRET, "webhook_signing_secret")


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotation_marks_are_none_of_a_secret(quote: str) -> None:
    assert "begins with a quotation mark" in problem(f"{quote}{SECRET}{quote}")


class TestFromAFunction:
    def test_are_never_those_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Of a tenant who has none, they would be another's."""
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        webhooks = WebhookReceiver(lambda: None)
        webhooks.on("*")(pytest.fail)
        assert webhooks.handle(BODY, signed(BODY)).status == 500
        assert "the function signing_secret returned None" in caplog.text

    def test_are_asked_for_each_time(self) -> None:
        current = [SECRET]
        webhooks = WebhookReceiver(lambda: list(current))
        assert webhooks.handle(BODY, signed(BODY)).status == 204
        current[:] = [STRANGERS]
        assert webhooks.handle(BODY, signed(BODY)).status == 400
        assert webhooks.handle(BODY, signed(BODY, secrets=[STRANGERS])).status == 204

    @pytest.mark.parametrize("secret", [(), "", "sk_test_12345", None])
    def test_may_be_wrong_which_is_the_servers_fault(
        self, secret: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        webhooks = WebhookReceiver(lambda: secret)
        webhooks.on("*")(pytest.fail)
        for _ in range(3):
            answer = webhooks.handle(BODY, signed(BODY))
            assert (answer.status, b'"reason":"not-configured"' in answer.body) == (500, True)
        assert [record.message.count("no webhook can be verified") for record in caplog.records] == [1]
        assert ".." not in caplog.text

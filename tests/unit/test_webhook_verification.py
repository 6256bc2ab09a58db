"""`verify_webhook`: what is Clerk's and new passes, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, get_args, get_origin

import httpx
import pytest
from starlette.datastructures import Headers
from werkzeug.datastructures import Headers as WerkzeugHeaders

from clerk_middleware import ClerkError, ConfigurationError, WebhookVerificationError
from clerk_middleware.webhooks import WebhookEvent, verify_webhook

from ..webhook_messages import SECRET, STRANGERS, USER, a_secret, an_event, signed

NOW = 1_700_000_000.0
BODY = an_event()


def verify(body: Any = BODY, headers: Any = None, **options: Any) -> Any:
    options = {"signing_secret": SECRET, "clock": lambda: NOW} | options
    return verify_webhook(body, signed(BODY, "msg_1", at=NOW) if headers is None else headers, **options)


def refusal(body: Any = BODY, headers: Any = None, **options: Any) -> WebhookVerificationError:
    with pytest.raises(WebhookVerificationError) as caught:
        verify(body, headers, **options)
    assert SECRET[6:] not in str(caught.value)
    assert caught.value.__context__ is None  # it would show what was refused
    return caught.value


def reason(body: Any = BODY, headers: Any = None, **options: Any) -> str:
    return refusal(body, headers, **options).reason


def own_signature(message_id: str, timestamp: str, body: bytes) -> str:
    """For what svix would not sign."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


class TestAMessageOfClerks:
    def test_is_an_event(self) -> None:
        event = verify()
        assert (event.type, event.id, event.data) == ("user.created", "msg_1", USER)
        assert (event.timestamp, event.instance_id) == (1654012591835, "ins_1")
        assert event.event_attributes == {
            "http_request": {"client_ip": "192.0.2.7", "user_agent": "a browser"}
        }

    @pytest.mark.parametrize("family", ["svix", "webhook", "SVIX", "Webhook"])
    def test_has_headers_of_either_name(self, family: str) -> None:
        assert verify(headers=signed(BODY, at=NOW, family=family)).type == "user.created"

    @pytest.mark.parametrize(
        "carried",
        [
            lambda headers: list(headers.items()),
            lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
            lambda headers: iter(headers.items()),
            Headers,
            WerkzeugHeaders,
            httpx.Headers,
        ],
        ids=["pairs", "bytes", "iterator", "Starlette", "Flask", "httpx"],
    )
    def test_has_its_headers_from_any_framework(self, carried: Any) -> None:
        headers = {"host": "app.example.com", **signed(BODY, at=NOW), "accept": "*/*"}
        assert verify(headers=carried(headers)).type == "user.created"

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_has_a_body_of_bytes_or_text(self, kind: Any) -> None:
        assert verify(kind(BODY.encode())).type == "user.created"

    def test_may_be_in_any_language(self) -> None:
        body = json.dumps({"type": "user.created", "data": {"first_name": "Zoë 🚚"}}, ensure_ascii=False)
        for received in (body, body.encode()):
            assert verify(received, signed(body, at=NOW)).data == {"first_name": "Zoë 🚚"}

    def test_may_be_of_a_type_that_nobody_knows_yet(self) -> None:
        body = an_event("fleet.departed", data={"trucks": 3})
        event = verify(body, signed(body, at=NOW))
        assert (event.type, event.data) == ("fleet.departed", {"trucks": 3})

    def test_may_leave_out_what_is_not_needed(self) -> None:
        body = an_event(event_attributes=..., timestamp=..., instance_id=...)
        event = verify(body, signed(body, at=NOW))
        assert (event.event_attributes, event.timestamp, event.instance_id) == ({}, None, None)

    def test_may_have_nonsense_where_nobody_needs_it(self) -> None:
        body = an_event(event_attributes=[1], timestamp=True, instance_id=5)
        event = verify(body, signed(body, at=NOW))
        assert (event.event_attributes, event.timestamp, event.instance_id) == ({}, None, None)

    def test_does_not_change(self) -> None:
        event = verify()
        with pytest.raises(AttributeError):
            event.type = "user.deleted"
        assert event == verify()
        assert len({event, verify()}) == 1

    def test_hides_its_data_from_logs(self) -> None:
        body = an_event("email.created", data={"body": "Your code is 424242"})
        shown = repr(verify(body, signed(body, at=NOW)))
        assert "424242" not in shown
        assert "email.created" in shown


class TestASignature:
    def test_is_of_the_secret(self) -> None:
        assert reason(headers=signed(BODY, at=NOW, secrets=[STRANGERS])) == "invalid-signature"

    def test_is_of_the_body_byte_for_byte(self) -> None:
        again = json.dumps(json.loads(BODY), separators=(",", ":"))
        error = refusal(again)
        assert error.reason == "invalid-signature"
        assert "not parsed and serialized again" in str(error)

    @pytest.mark.parametrize("name", ["svix-id", "svix-timestamp"])
    def test_is_of_the_headers(self, name: str) -> None:
        headers = signed(BODY, "msg_1", at=NOW)
        assert reason(headers=headers | {name: headers[name] + "1"}) == "invalid-signature"

    def test_may_be_one_of_several(self) -> None:
        others = [a_secret(bytes([number])) for number in range(1, 15)]
        assert verify(headers=signed(BODY, at=NOW, secrets=[*others, SECRET, STRANGERS]))
        assert reason(headers=signed(BODY, at=NOW, secrets=others)) == "invalid-signature"

    def test_is_not_one_of_very_many(self) -> None:
        headers = signed(BODY, at=NOW, secrets=[SECRET] * 17)
        assert reason(headers=headers) == "invalid-headers"

    def test_may_be_that_of_any_secret_while_they_are_rotated(self) -> None:
        for used in (SECRET, STRANGERS):
            assert verify(headers=signed(BODY, at=NOW, secrets=[used]), signing_secret=[STRANGERS, SECRET])
            assert verify(headers=signed(BODY, at=NOW, secrets=[used]), signing_secret=(SECRET, STRANGERS))

    @pytest.mark.parametrize("version", ["v1a", "v2", "v0", "V1", "v1 ", "", "v11", "1"])
    def test_of_another_version_counts_for_nothing(self, version: str) -> None:
        headers = signed(BODY, at=NOW)
        good = headers["svix-signature"]
        other = version + good.removeprefix("v1")
        assert reason(headers=headers | {"svix-signature": other}) == "invalid-signature"
        assert verify(headers=headers | {"svix-signature": f"{other} {good}"})

    @pytest.mark.parametrize(
        "signature", ["v1,", "v1", ",", "v1,,", "v1, ", "v1,=", "v1,AAAA", "garbage", "v1,\x00", "v1=x"]
    )
    def test_that_is_none_is_no_signature(self, signature: str) -> None:
        headers = signed(BODY, at=NOW) | {"svix-signature": signature}
        assert reason(headers=headers) == "invalid-signature"

    def test_is_the_whole_of_it(self) -> None:
        headers = signed(BODY, at=NOW)
        good = headers["svix-signature"]
        for other in (good[:-1], good + "A", good + "=", good.lower(), good.replace("v1,", "v1,,")):
            assert reason(headers=headers | {"svix-signature": other}) == "invalid-signature"

    def test_is_looked_at_before_the_time_and_the_body(self) -> None:
        stale = signed("no JSON", at=1, secrets=[STRANGERS])
        assert reason("no JSON", stale) == "invalid-signature"

    def test_can_be_taken_apart_in_one_way_only(self) -> None:
        """What is signed is id.timestamp.body: a full stop in the id would let parts of it change places."""
        headers = signed(BODY, "msg_1", at=NOW)
        moved = {
            "svix-id": f"msg_1.{int(NOW)}",
            "svix-timestamp": str(int(NOW)),
            "svix-signature": own_signature("msg_1", str(int(NOW)), f"{int(NOW)}.{BODY}".encode()),
        }
        assert reason(headers=moved) == "invalid-headers"
        assert reason(f"{int(NOW)}.{BODY}", headers) == "invalid-signature"


class TestHeaders:
    @pytest.mark.parametrize("family", ["svix", "webhook"])
    @pytest.mark.parametrize("missing", ["id", "timestamp", "signature"])
    @pytest.mark.parametrize("value", [None, "", " "])
    def test_are_all_there(self, missing: str, family: str, value: str | None) -> None:
        headers = signed(BODY, at=NOW, family=family)
        del headers[f"{family}-{missing}"]
        if value is not None:
            headers[f"{family}-{missing}"] = value
        error = refusal(headers=headers)
        assert error.reason == "missing-headers"
        assert f"{family}-{missing}" in str(error)

    def test_are_not_made_up_of_both_names(self) -> None:
        ours, other = signed(BODY, "msg_1", at=NOW), signed(BODY, "msg_1", at=NOW, family="webhook")
        for name in ("id", "timestamp", "signature"):
            mixed = other | {f"svix-{name}": ours[f"svix-{name}"]}
            assert reason(headers=mixed) == "missing-headers"
            del mixed[f"webhook-{name}"]
            assert reason(headers=mixed) == "missing-headers"

    def test_of_svix_go_first(self) -> None:
        good = signed(BODY, "msg_1", at=NOW)
        forged = signed(BODY, "msg_2", at=NOW, secrets=[STRANGERS], family="webhook")
        assert verify(headers=good | forged).id == "msg_1"
        good = signed(BODY, "msg_1", at=NOW, family="webhook")
        forged = signed(BODY, "msg_2", at=NOW, secrets=[STRANGERS])
        assert reason(headers=good | forged) == "invalid-signature"

    @pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
    def test_are_not_there_twice(self, name: str) -> None:
        headers = signed(BODY, at=NOW)
        for value in (headers[name], "other"):
            for pairs in ([*headers.items(), (name, value)], [(name.upper(), value), *headers.items()]):
                assert reason(headers=pairs) == "invalid-headers"

    @pytest.mark.parametrize("name", ["svix-id", "svix-timestamp"])
    def test_that_a_server_joined_are_refused(self, name: str) -> None:
        headers = signed(BODY, at=NOW)
        assert reason(headers=headers | {name: f"{headers[name]},{headers[name]}"}) == "invalid-headers"

    @pytest.mark.parametrize(
        "message_id", ["msg 1", "msg_1.2", "a,b", "é", "a\n", "a/b", "x" * 129, "\ud800", "a\x00", "msg_١"]
    )
    def test_have_an_id_that_any_store_can_keep(self, message_id: str) -> None:
        headers = signed(BODY, at=NOW) | {"svix-id": message_id}
        assert reason(headers=headers) == "invalid-headers"

    def test_have_an_id_of_some_length(self) -> None:
        assert verify(headers=signed(BODY, "x" * 128, at=NOW)).id == "x" * 128

    @pytest.mark.parametrize(
        "timestamp",
        [
            "+1700000000",
            "-1700000000",
            "1700000000.0",
            "1_700_000_000",
            "0x6553f100",
            "١٧٠٠٠٠٠٠٠٠",
            "1700000000²",
            "1e9",
            "nan",
            "1" * 13,
            "9" * 5000,
            "1700000000\n1",
        ],
    )
    def test_have_a_timestamp_of_digits(self, timestamp: str) -> None:
        signature = own_signature("msg_1", timestamp, BODY.encode())
        headers = {"svix-id": "msg_1", "svix-timestamp": timestamp, "svix-signature": signature}
        assert reason(headers=headers) == "invalid-headers"

    def test_have_signatures_of_some_length_in_ascii(self) -> None:
        headers = signed(BODY, at=NOW)
        good = headers["svix-signature"]
        for other in (f"{good} v1,é", f"v1,{'A' * 5000} {good}", f"{good} \udcff"):
            assert reason(headers=headers | {"svix-signature": other}) == "invalid-headers"

    def test_may_have_white_space_around_their_values(self) -> None:
        headers = {name: f" {value}\t" for name, value in signed(BODY, at=NOW).items()}
        assert verify(headers=headers)

    def test_of_no_message_are_missing(self) -> None:
        error = refusal(headers={"host": "app.example.com"})
        assert str(error) == (
            "The request has no svix-id and no svix-timestamp and no svix-signature: it is none of Clerk's, "
            "or what was passed are not its headers (request.headers, neither the request nor request.META). "
            "(reason: missing-headers)"
        )

    def test_are_texts(self) -> None:
        headers: Any = signed(BODY, at=NOW) | {"svix-id": ["msg_1"]}
        with pytest.raises(ConfigurationError, match="one is of type list"):
            verify(headers=headers)


def test_a_body_that_was_read_before_is_said_to_be_empty() -> None:
    error = refusal(b"", signed(BODY, at=NOW))
    assert error.reason == "invalid-signature"
    assert "The body is empty: has middleware, or a hook, read it before?" in str(error)


@pytest.mark.parametrize("made", [WebhookEvent[str], WebhookEvent["str"], WebhookEvent[str, Any]])
def test_an_event_has_any_data_unless_its_type_says_which(made: Any) -> None:
    assert get_args(made)[1:] == (Any,)
    assert get_origin(made) is WebhookEvent
    assert made(type="a", data={}, id="msg_1") == WebhookEvent(type="a", data={}, id="msg_1")


def test_an_event_has_the_data_that_its_type_says() -> None:
    assert get_args(WebhookEvent[str, int]) == (str, int)


class TestTheTime:
    @pytest.mark.parametrize("age", [-300, -299, 0, 299, 300])
    def test_of_a_delivery_may_be_five_minutes_off(self, age: int) -> None:
        assert verify(headers=signed(BODY, at=NOW - age))

    @pytest.mark.parametrize(("age", "expected"), [(301, "stale-timestamp"), (-301, "future-timestamp")])
    def test_of_a_delivery_is_about_now(self, age: int, expected: str) -> None:
        error = refusal(headers=signed(BODY, at=NOW - age))
        assert error.reason == expected
        assert "301 seconds" in str(error)

    def test_that_is_close_is_looked_at_closely(self) -> None:
        headers = signed(BODY, at=NOW)
        assert verify(headers=headers, clock=lambda: NOW + 300)
        assert reason(headers=headers, clock=lambda: NOW + 300.1) == "stale-timestamp"
        assert reason(headers=headers, clock=lambda: NOW - 300.1) == "future-timestamp"

    @pytest.mark.parametrize("at", [0, 999_999_999_999])
    def test_may_be_very_far_off(self, at: int) -> None:
        headers = {
            "svix-id": "msg_1",
            "svix-timestamp": str(at),
            "svix-signature": own_signature("msg_1", str(at), BODY.encode()),
        }
        assert reason(headers=headers) in ("stale-timestamp", "future-timestamp")

    def test_of_a_clock_that_is_none_passes_nothing(self) -> None:
        assert reason(clock=lambda: float("nan")) == "future-timestamp"

    def test_is_tolerated_as_far_as_one_says(self) -> None:
        headers = signed(BODY, at=NOW - 10)
        assert verify(headers=headers, tolerance_in_seconds=10)
        assert reason(headers=headers, tolerance_in_seconds=9) == "stale-timestamp"

    @pytest.mark.parametrize("tolerance", [0, -1, 86_401, 1.5, float("nan"), float("inf"), True, "300", None])
    def test_is_tolerated_within_reason(self, tolerance: Any) -> None:
        with pytest.raises(ConfigurationError, match="a whole number from 1 to 86400"):
            verify(tolerance_in_seconds=tolerance)


class TestABody:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"{}",
            b'{"type": "user.created"}',
            b'{"data": {}}',
            b'{"type": 1, "data": {}}',
            b'{"type": "", "data": {}}',
            b'{"type": "user.created", "data": []}',
            b'{"type": "user.created", "data": null}',
            b'{"type": "user.created", "data": {}} {}',
            b"\xff\xfe{}",
            b'\xef\xbb\xbf{"type": "user.created", "data": {}}',
            '{"type": "user.created", "data": {}}'.encode("utf-16"),
            b"[" * 100_000,
            b'{"type": "user.created", "data": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
            b'{"type": "user.created", "data": {"n": ' + b"9" * 5000 + b"}}",
        ],
        ids=lambda body: repr(body[:40]),
    )
    def test_that_is_no_event_is_refused(self, body: bytes) -> None:
        headers = {
            "svix-id": "msg_1",
            "svix-timestamp": str(int(NOW)),
            "svix-signature": own_signature("msg_1", str(int(NOW)), body),
        }
        assert reason(body, headers) == "invalid-payload"

    def test_of_text_that_is_none_is_refused(self) -> None:
        assert reason(BODY + "\ud800") == "invalid-signature"

    @pytest.mark.parametrize("body", [{"type": "user.created"}, None, 5, ["x"]])
    def test_that_was_parsed_teaches(self, body: Any) -> None:
        with pytest.raises(ConfigurationError, match="pass the raw body"):
            verify(body)


def test_a_refusal_is_an_error_of_this_library() -> None:
    error = WebhookVerificationError("stale-timestamp")
    assert isinstance(error, ClerkError)
    assert (str(error), error.reason, error.message) == ("stale-timestamp", "stale-timestamp", "")

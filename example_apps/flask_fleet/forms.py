"""What people and programs send, and what of it is accepted."""

from typing import Any, TypeVar

from flask import Request, abort
from werkzeug.datastructures import MultiDict
from wtforms import FloatField, Form, IntegerField, StringField  # type: ignore[import-untyped]
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange  # type: ignore[import-untyped]

from example_apps.fleet.companies import LoadStatus

T = TypeVar("T", bound="FleetForm")


class FleetForm(Form):  # type: ignore[misc]
    """Not Flask-WTF's: security.py has checked by now where a request comes from."""


def _text() -> Any:
    return StringField(filters=[lambda text: (text or "").strip()], validators=[Length(1, 60)])


class LoadForm(FleetForm):
    origin = _text()
    destination = _text()
    cargo = _text()
    tons = FloatField(validators=[InputRequired(), NumberRange(0.1, 60)])


class ReportForm(FleetForm):
    """What a driver may say of a load."""

    status = StringField(validators=[AnyOf([LoadStatus.IN_TRANSIT, LoadStatus.DELIVERED])])


class PositionForm(FleetForm):
    """How far a load is, in percent of its way. Load numbers are a company's own."""

    company = _text()
    load = IntegerField(validators=[InputRequired()])
    percent = FloatField(validators=[InputRequired(), NumberRange(0, 100)])


class DriverForm(FleetForm):
    driver_id = _text()


def valid(form: T) -> T:
    """*form* itself; a page that names the fields to correct otherwise: 422."""
    if not form.validate():
        abort(422, f"Please go back and check: {', '.join(form.errors)}.")
    return form


def sent_as_json(request: Request) -> MultiDict[str, str]:
    """The texts and numbers of a JSON object, as a form would send them."""
    try:
        body = request.get_json()
    except RecursionError:  # brackets within brackets, thousands of them
        abort(400)
    if not isinstance(body, dict):
        abort(422, "Send a JSON object.")
    return MultiDict({name: str(value) for name, value in body.items() if _is_plain(value)})


def _is_plain(value: object) -> bool:
    # JSON may hold halves of characters, which no page could show.
    is_text = isinstance(value, str) and value.encode(errors="ignore").decode() == value
    return is_text or (isinstance(value, int | float) and not isinstance(value, bool))

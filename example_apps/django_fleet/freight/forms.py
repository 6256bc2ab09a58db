"""What people type."""

from typing import Any

from django import forms

from .models import Company, Driver, Load


class NewLoad(forms.ModelForm):
    class Meta:
        model = Load
        fields = ("origin", "destination", "cargo", "tons")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tons"].widget.attrs.update({"min": 0.1, "max": 60, "step": 0.1})


class Assignment(forms.Form):
    """Which driver takes a load: one of the company's own."""

    driver_id = forms.ModelChoiceField(
        Driver.objects.none(), to_field_name="user_id", empty_label=None, label="Driver"
    )

    def __init__(self, company: Company, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["driver_id"].queryset = company.drivers.all()  # type: ignore[attr-defined]


class StatusReport(forms.Form):
    """How far a driver is."""

    status = forms.ChoiceField(
        choices=[(status.value, status.label) for status in (Load.Status.IN_TRANSIT, Load.Status.DELIVERED)]
    )

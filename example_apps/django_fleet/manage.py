"""Django's command line: ``python example_apps/django_fleet/manage.py runserver``."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    # The project is a package of the repository: import it from there, not from this folder.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_apps.django_fleet.settings")
    execute_from_command_line(sys.argv)

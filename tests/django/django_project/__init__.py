"""The Django project that the tests are run in."""

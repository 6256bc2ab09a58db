"""Every Python block of the documentation runs, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask_wtf import CSRFProtect

from clerk_middleware_flask import Clerk, protect
from clerk_middleware_flask.testing import ClerkTestClient

from .examples import EXAMPLES, PAGES, ROOT, Example, example

ENVIRONMENT = {
    "CLERK_SECRET_KEY": "sk_test_documentation",
    "CLERK_PUBLISHABLE_KEY": "pk_test_bG9jYWwtaW5zdGFuY2UtMS5jbGVyay5hY2NvdW50cy5kZXYk",
    "CLERK_AUTHORIZED_PARTIES": "http://testserver",
    "CLERK_WEBHOOK_SIGNING_SECRET": "whsec_ZG9jdW1lbnRhdGlvbi1kb2N1bWVudGF0aW9u",
    "DJANGO_SETTINGS_MODULE": "django_settings",
}

DJANGO_SETTINGS = next(example.text for example in EXAMPLES if example.id == "django.md-1")
DJANGO_SETTINGS += """
INSTALLED_APPS += ["django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"]
"""

# What is appended to an example that holds these words, so that it also serves its pages.
VISITS = {
    "from clerk_middleware_flask import": """
from clerk_middleware_flask.testing import ClerkTestClient

app.testing = True
client = ClerkTestClient(app)
pages = [rule.rule for rule in app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
for page in pages:
    assert client.get(page).status_code < 500, page
client.clerk_login(
    "user_1", org_id="org_1", org_slug="acme", org_role="org:admin", permissions=["org:teams:manage"]
)
for page in pages:
    assert client.get(page).status_code in (200, 404), page
""",
    "get_session(request.environ)": """
from werkzeug.test import Client

assert Client(application).get("/").status_code == 401
""",
    "ClerkScopeRequiredMixin": """
from django.conf import settings
from django.urls import path
from ninja import NinjaAPI

from clerk_middleware_django import ninja as clerk_ninja
from clerk_middleware_django.test import ClerkClient

api = NinjaAPI()  # the words of Ninja, of which the page says how they are written
api.get("/ninja", auth=clerk_ninja.require_scope("read:loads"))(
    lambda request: {"organization": get_auth(request).org_id}
)
api.get("/any", auth=clerk_ninja.require_auth(accepts_token="api_key"))(lambda request: None)

settings.CLERK = settings.CLERK | {"ACCEPTS_TOKEN": ["session_token", "api_key"]}
settings.ALLOWED_HOSTS = ["testserver"]
settings.ROOT_URLCONF = __name__
urlpatterns = [
    path("function", loads),
    path("class", Loads.as_view()),
    path("rest", RestLoads.as_view()),
    path("", api.urls),
]
for page in ("/function", "/class", "/rest", "/ninja"):
    client = ClerkClient()
    assert client.get(page).status_code == 401
    client.clerk_login_machine("api_key", subject="org_1", scopes=["read:loads"])
    assert client.get(page).json() == {"organization": "org_1"}, page
    client.clerk_login_machine("api_key", subject="org_1")
    assert client.get(page).status_code == 403
    assert client.get("/any").status_code == 200
    client.clerk_login("user_1")
    assert client.get(page).status_code == (200 if page == "/function" else 401)
""",
    "from quart import": """
import asyncio

assert asyncio.run(app.test_client().get("/")).status_code == 200
assert asyncio.run(app.test_client().get("/teams")).status_code == 401
""",
}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.id)
def test_an_example_runs(block: Example, tmp_path: Path) -> None:
    if "clerk_middleware_mcp" in block.text:
        pytest.importorskip("mcp", reason="needs the extra mcp")
    if "playwright" in block.text:
        pytest.skip("needs a browser: e2e/test_documentation.py")
    text, program = block.text, tmp_path / "example.py"
    program.write_text(text, encoding="utf-8")
    # The page on Django begins with the settings that its other examples are run with.
    (tmp_path / "django_settings.py").write_text(DJANGO_SETTINGS, encoding="utf-8")
    if "django" in text:
        program.write_text(f"import django\ndjango.setup()\n{text}", encoding="utf-8")
    for words, visit in VISITS.items():
        if words in text and re.search("^app(lication)? =|ClerkScopeRequiredMixin", text, re.MULTILINE):
            program.write_text(f"{program.read_text('utf-8')}{visit}", encoding="utf-8")
    # The README's first example is what its test imports, and a script of its takes a token.
    (tmp_path / "teams.py").write_text(EXAMPLES[0].text, encoding="utf-8")
    done = run(program.name, "not-a-token", cwd=tmp_path)
    assert done.returncode == 0 or done.stderr.startswith("refused: "), done.stderr[-2000:]
    if re.search("^def test_", text, re.MULTILINE):
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:django"]
        tested = run("-m", "pytest", *options, program.name, cwd=tmp_path)
        assert tested.returncode == 0, tested.stdout[-2000:]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    targets = [(page.parent / path if path else page, anchor) for path, anchor in links]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [
        f"{target}#{anchor}" for target, anchor in targets if anchor and anchor not in anchors(target)
    ] == []


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_flasks_template_shows_who_is_signed_in() -> None:
    [template] = re.findall(
        r"^```html\n(.*?)^```", (ROOT / "docs/flask.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    app = Flask(__name__)
    app.config.from_mapping(ENVIRONMENT, SECRET_KEY="x", TESTING=True)
    Clerk(app)
    CSRFProtect(app)
    app.add_url_rule("/", view_func=lambda: render_template_string(template))
    app.add_url_rule("/sign-out", "sign_out", methods=["POST"])
    client = ClerkTestClient(app)
    page = client.get("/").text
    assert "Sign in</a>" in page
    assert "redirect_url=http%3A%2F%2Flocalhost%2Fwelcome" in page
    client.clerk_login("user_1", permissions=["org:teams:manage"])
    page = client.get("/").text
    assert "user_1" in page
    assert "Teams</a>" in page
    assert 'action="/sign-out"' in page


def flask_example(holds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application of the one example that holds this text."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    app: Flask = example("flask.md", holds).run(tmp_path)["app"]
    app.testing = True
    return app


def test_flasks_check_of_forgery_lets_tokens_pass_and_can_be_turned_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = flask_example("class FormProtection", tmp_path, monkeypatch)
    app.add_url_rule("/notes", "notes", lambda: "written", methods=["POST"])
    client = ClerkTestClient(app)
    client.clerk_login("user_1")
    assert client.post("/notes").status_code == 400
    client.clerk_login("user_1", header=True)
    assert client.post("/notes").status_code == 200
    client.clerk_login("user_1")
    app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/notes").status_code == 200


def test_flasks_handler_of_refusals_hides_what_protect_hides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = flask_example("@app.errorhandler(NotAuthorized)", tmp_path, monkeypatch)
    app.add_url_rule("/audit", "audit", protect(role="org:admin")(lambda: "log"))
    client = ClerkTestClient(app)
    client.clerk_login("user_1")
    page = {"Accept": "text/html"}
    assert "Not for you" in client.get("/loads/load_1", headers=page).text
    assert client.get("/loads/load_1").json["clerk_error"]["reason"] == "not-authorized"
    hidden, missing = client.get("/audit", headers=page), client.get("/nothing", headers=page)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text

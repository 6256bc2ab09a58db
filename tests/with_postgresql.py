"""Run a command with ``DATABASE_URL`` naming a PostgreSQL server that lives as long as the command.

python tests/with_postgresql.py pytest tests/django
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([*map(str, _PLACES), os.environ["PATH"]]))
    if found is None:
        sys.exit(f"{name} is not here: install PostgreSQL's server (Debian: apt-get install postgresql)")
    return found


def as_server(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package makes a user for it."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def main(command: list[str]) -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="clerk-middleware-postgresql-")
    control = program("pg_ctl")
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        cluster, options = f"{folder}/cluster", f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -F"
        initialize = [program("initdb"), "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(as_server(*initialize), check=True, cwd=folder, stdout=subprocess.DEVNULL)
        start = [control, "-D", cluster, "-o", options, "-l", f"{folder}/log", "-w", "start"]
        subprocess.run(as_server(*start), check=True, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            url = f"postgres://postgres@127.0.0.1:{port}/postgres"
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
        finally:
            stop = [control, "-D", cluster, "-m", "immediate", "stop"]
            subprocess.run(as_server(*stop), check=True, cwd=folder, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

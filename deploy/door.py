"""The dashboard's door, port 5555: the two files that nginx needs for it, and the password that `make up` draws.

    dashboard.htpasswd     user and hash: nginx' auth_basic
    door.conf              what nginx tells the gateways of a request that came through this door, and of no other

In Compose nginx' container writes them as it starts, from its environment:  … | python3 -m deploy.door FOLDER PORT
"""

import os
import sys
from pathlib import Path

from pipeline.door import password_line, secret

PASSWORDS, CONF = "dashboard.htpasswd", "door.conf"


def write(folder: Path, port: int, auth: str) -> None:
    """Write both, for nobody else to read."""
    _private(folder / PASSWORDS, password_line(auth))
    _private(folder / CONF, conf(port, auth))


def conf(port: int, auth: str) -> str:
    """The maps: at every port but this one each header is empty, and nginx passes no empty header on."""
    return f"""# Written at each start. By $server_port, which the client has no say in.
map $server_port $door_realm  {{ default off; {port} "Headrace dashboard"; }}
map $server_port $door_secret {{ default ""; {port} "{secret(auth)}"; }}
map $server_port $door_actor  {{ default ""; {port} $remote_user; }}
map $server_port $door_cookie {{ default $http_cookie; {port} ""; }}
map $server_port $door_key    {{ default $http_x_api_key; {port} ""; }}
map $server_port $door_bearer {{ default $http_authorization; {port} ""; }}
"""


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), sys.stdin.readline().strip())

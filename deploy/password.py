"""User and password of the dashboard: yours by HEADRACE_DASHBOARD_AUTH, else drawn once and kept in `var`."""

import os
import secrets

import msgspec

from deploy.stack import Stack

FILE = "dashboard.auth"
USER = "admin"
VARIABLE = "HEADRACE_DASHBOARD_AUTH"


def kept(stack: Stack) -> Stack:
    """The stack with the password that was drawn for it, if one was."""
    path = stack.var / FILE
    if stack.wanted.dashboard_auth or not path.is_file():
        return stack
    return _with(stack, path.read_text().strip())


def drawn(stack: Stack) -> Stack:
    """The same; one is drawn where there is none, for nobody else to read."""
    stack = kept(stack)
    if stack.wanted.dashboard_auth:
        return stack
    auth = f"{USER}:{secrets.token_urlsafe(18)}"
    with open(os.open(stack.var / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{auth}\n")
    return _with(stack, auth)


def _with(stack: Stack, auth: str) -> Stack:
    """The stack whose programs find this password in their environment."""
    replace = msgspec.structs.replace
    wanted, read = replace(stack.wanted, dashboard_auth=auth), replace(stack.settings, dashboard_auth=auth)
    return replace(stack, environ=stack.environ | {VARIABLE: auth}, wanted=wanted, settings=read)

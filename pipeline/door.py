"""What nginx and the gateways agree on at the dashboard's door (port 5555): made from its user and password alone.

Standard library only: the nginx image of Compose has no more (deploy/door.py).
"""

import base64
import hashlib
import hmac
import secrets


def secret(auth: str) -> str:
    """What the door says so that the gateways know it: whoever has user and password can make it."""
    return hmac.new(auth.encode(), b"headrace door", hashlib.sha256).hexdigest()


def password_line(auth: str) -> str:
    """User and salted hash of the password (RFC 2307: SSHA, which every nginx can check), as auth_basic reads them."""
    user, _, password = auth.partition(":")
    salt = secrets.token_bytes(16)
    digest = hashlib.sha1(password.encode() + salt).digest()
    return f"{user}:{{SSHA}}{base64.b64encode(digest + salt).decode()}\n"

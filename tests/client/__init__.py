"""The Python client and its command, asked through real gateways, answered by a real consumer."""

"""What `make inspect` and docs/logs.md say is true."""

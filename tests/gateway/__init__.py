"""What a client sees: the application over a real server, and whole gateway processes."""

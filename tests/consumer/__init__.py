"""The room `consumer/`: real children, real processes, a real server."""

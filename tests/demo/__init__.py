"""What `make demo` asks is right, and what it says of the answers is true."""

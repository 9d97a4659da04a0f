"""What each kind of wait waits for, and what the answers mean. Pure."""

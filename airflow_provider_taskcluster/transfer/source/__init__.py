"""Sources: where the bytes of an upload come from."""

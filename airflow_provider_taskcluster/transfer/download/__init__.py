"""Downloads of objects and artifacts."""

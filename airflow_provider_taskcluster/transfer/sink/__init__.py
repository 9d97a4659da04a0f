"""Sinks: where the bytes of a download go."""

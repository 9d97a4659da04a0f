"""Uploads of objects and artifacts."""

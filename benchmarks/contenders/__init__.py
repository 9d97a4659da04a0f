"""Contenders: each function prepares one and returns its work as a function."""

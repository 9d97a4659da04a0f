"""Helpers that every folder may use: one module for each policy. Knows nothing of Taskcluster's services."""

"""The connection type ``taskcluster``: its fields, its form in the web UI, and its settings."""

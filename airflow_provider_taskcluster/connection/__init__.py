"""The connection type ``taskcluster``: its fields, its form in the web UI, and what it means."""

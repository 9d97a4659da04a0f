"""The hook: the one interface to connection, credentials, services and transfer engine."""

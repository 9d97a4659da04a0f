"""The hook: connection, credentials, services and the transfer engine behind one face."""

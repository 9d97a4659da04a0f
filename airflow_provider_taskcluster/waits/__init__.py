"""Waits: what each kind asks and what the answers mean (pure), and the poller that the waits of a triggerer share."""

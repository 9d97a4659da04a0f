"""What a wait asks and what the answers mean (pure), and the poller that all waits of a triggerer share."""

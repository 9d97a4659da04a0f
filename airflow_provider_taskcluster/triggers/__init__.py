"""Triggers: the waits of the sensors, run in the triggerer, and asset watchers."""

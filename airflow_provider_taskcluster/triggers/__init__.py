"""Triggers: the same questions as the sensors', asked from the triggerer."""

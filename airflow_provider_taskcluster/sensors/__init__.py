"""Sensors: one module per noun."""

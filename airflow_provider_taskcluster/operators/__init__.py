"""Operators: one module per noun."""

"""Threads that are waited for, their buffers, and the pool that schedules work on them."""

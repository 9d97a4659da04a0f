"""Worker threads that are always waited for, the buffers they share, and the pool that schedules jobs."""

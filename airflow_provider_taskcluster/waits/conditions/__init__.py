"""The kinds of waits, one module each: what is asked, and what the answers mean. Pure."""

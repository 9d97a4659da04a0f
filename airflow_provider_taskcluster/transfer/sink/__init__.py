"""Where the bytes of a download go."""

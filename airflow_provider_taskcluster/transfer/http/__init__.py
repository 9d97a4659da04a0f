"""HTTP requests to the stores."""

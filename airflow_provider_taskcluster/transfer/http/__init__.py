"""HTTP requests to the stores: sent, answered, and each failure as one of our errors."""

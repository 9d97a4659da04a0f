"""Those who are compared: each function prepares one contender and returns its work."""

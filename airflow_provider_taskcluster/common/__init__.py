"""What every room below the hook may use. Knows nothing of Taskcluster's services."""

"""What archives of each format hold, read as a hostile source. Nothing is written here."""

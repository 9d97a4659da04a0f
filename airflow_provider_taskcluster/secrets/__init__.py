"""Secrets backends for Airflow."""

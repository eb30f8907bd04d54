"""Copying, purging and checking a whole database."""

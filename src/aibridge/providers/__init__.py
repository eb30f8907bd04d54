"""Upstreams: their types and routes, and the credentials they are called with."""

"""Architectures, one a module."""

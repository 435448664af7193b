"""What goes wrong in a way that a person can do something about."""

from __future__ import annotations


class Failure(Exception):
    """A sentence for the person at the terminal: what is wrong, and what to do about it."""

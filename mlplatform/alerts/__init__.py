"""Tells people: every alert is kept in a log first, then delivered, once per key."""

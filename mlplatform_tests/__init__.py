"""Tests, room by room; `architecture` holds the rules that no single room can."""

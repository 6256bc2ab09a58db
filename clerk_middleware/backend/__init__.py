"""Calls of Clerk's Backend API: as data, and the two drivers that make them."""

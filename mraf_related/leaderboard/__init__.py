"""Protocols that look at a batch of test clips."""

"""What was measured, and which claims it bears out."""

"""Features of clips, where they come from, and how they are split."""

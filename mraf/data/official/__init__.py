"""The official features: lists, archives and the pack."""

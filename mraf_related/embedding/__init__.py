"""Raw clips, sounds and pictures, become a table of embeddings for `mraf data import`."""

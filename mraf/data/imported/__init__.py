"""Any face and voice embeddings: a table of clips becomes a corpus."""

ABOUT = "corpus.json"  # by which a folder that was imported is known

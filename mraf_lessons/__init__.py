"""What only the notebooks need: figures, explorers and checks."""

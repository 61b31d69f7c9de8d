"""What an ablation puts in place of a part of the paper; ``build`` alone reads the switches."""

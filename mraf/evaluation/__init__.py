"""From a trained network to judged clips: P3–P6, differences, baselines, submissions."""

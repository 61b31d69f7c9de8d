"""A trained network for the browser: weights, plain JavaScript, a live page, ONNX."""

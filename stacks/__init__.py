"""What is deployed: one stack, made of small constructs."""

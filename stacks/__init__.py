"""What is deployed: two stacks, made of small constructs."""

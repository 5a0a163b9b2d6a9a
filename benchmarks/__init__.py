"""What a publish costs: measured, counted, and beside the peers, in one run on one machine."""

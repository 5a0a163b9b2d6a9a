"""Runs the real stacks on this machine: an AWS emulator, the deployment into it, and the demo."""

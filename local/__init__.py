"""The real stacks on this machine: the emulator, the deployment into it, the demo."""

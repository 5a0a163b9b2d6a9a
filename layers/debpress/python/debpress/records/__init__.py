"""What the press leaves in the bucket and hands from step to step, as frozen dataclasses.

Pure: nothing here reads or writes anything. `codec` turns each into JSON and back; what may be
relied upon, and what a later version may change, is in docs/contract.md.
"""

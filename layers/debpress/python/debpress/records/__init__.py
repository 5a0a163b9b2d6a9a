"""What the press leaves in the bucket and hands from step to step, as frozen dataclasses.

Pure: nothing here reads or writes the store. `codec` turns each record into JSON and back;
docs/contract.md says which fields others may rely on, and what a later version may change.
"""

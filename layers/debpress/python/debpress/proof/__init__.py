"""What `debpress proof` claims of a deployed press, and the packages that it publishes for that.

The command tries the claims (`debpress.commands.proving`).
"""

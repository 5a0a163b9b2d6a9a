"""gpg, its libraries and the keyring, beside this file: bin/, lib/ and keyring/.

A module, so that its files are found wherever the layer was unpacked.
"""

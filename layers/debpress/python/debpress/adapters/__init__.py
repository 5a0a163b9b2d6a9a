"""The adapters: everything that talks to AWS, to GnuPG or to the environment."""

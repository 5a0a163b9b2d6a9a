"""The edges: everything that talks to AWS, GnuPG or the environment."""

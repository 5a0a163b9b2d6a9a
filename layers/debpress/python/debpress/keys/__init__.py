"""The signing keys: their certificates, rotation, publication to hosts, and import into KMS."""

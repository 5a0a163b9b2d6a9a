"""Where a package was built: what a suite's policy asks, and what a Sigstore bundle proves.

Pure, and without Sigstore's own library: `proof.Verifier` is the port to it, which
`debpress.adapters.sigstore` fills. docs/decisions/0032-provenance.md tells why it is so.
"""

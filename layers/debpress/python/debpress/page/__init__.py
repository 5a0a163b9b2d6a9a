"""The page that people look at: what it says, and how it looks. Pure; `debpress.steps.page` reads
and writes it."""

# The policy that is in each page.
LETS_IN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
# As a header. A page can't say itself who may frame it (CSP Level 3, 3.3).
POLICY = f"{LETS_IN}; frame-ancestors 'none'"

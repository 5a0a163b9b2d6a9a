"""Makes a release: what somebody deploys who has neither this checkout nor the CDK's command."""

"""The keys that sign: where they come from, how they change, what hosts are given of them."""

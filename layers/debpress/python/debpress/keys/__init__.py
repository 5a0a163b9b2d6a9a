"""The keys that sign: their certificates, their rotation, what hosts get of them, their import."""

"""The speed suite: each benchmark beside its limit or its peer, in one run. `README.md` says how to read it."""

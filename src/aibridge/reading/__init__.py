"""From bytes to facts: what a call's request and answer say, read after they have passed."""

// Placeholder until the real runner lands in this same change.

// Filled in by the house's own change; until then packages are installed by hand with `npm ci`.

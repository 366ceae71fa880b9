import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    // Crash tests and proofs start processes of their own: more workers would only make them wait for one another.
    maxWorkers: 2,
    include: ['*/test/**/*.test.ts', '*/*/test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    // Crash tests and proofs start processes of their own: more workers would only make them wait for one another.
    maxWorkers: 2,
    include: ['*/test/**/*.test.ts', '*/*/test/**/*.test.ts'],
    // For the busiest machine; a test that passes does not wait for them.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
});

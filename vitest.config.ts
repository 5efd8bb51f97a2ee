import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['services/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/postgres/global-setup.ts'],
    // Most of the suites wait for processes and servers of their own: more of them than cores can run at once.
    maxWorkers: 3,
    // No test is about time: on a busy machine each gets what it needs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

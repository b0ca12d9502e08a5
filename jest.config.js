/** ts-jest only transpiles (types are `npm run typecheck`'s work), so the suite starts fast. */
export default {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: { "^.+\\.ts$": ["ts-jest", { useESM: true, tsconfig: "tsconfig.json", diagnostics: false }] },
  testMatch: ["<rootDir>/tests/**/*.test.ts"],
  testTimeout: 180000,
  maxWorkers: 2,
};

import { execFileSync } from "node:child_process";
import { expect, test } from "@jest/globals";

/** A program that loads `config.yaml` from source and prints the packages that were loaded for it. */
const probe = `
  import { createRequire } from "node:module";
  import { loadConfig } from "./src/config/reading/load.ts";
  const { cache } = createRequire(import.meta.url);
  const loaded = () => Object.keys(cache).some((file) => /node_modules.yaml./.test(file));
  const { originOf } = loadConfig("config.yaml", { env: {} });
  const before = loaded();
  originOf("/logging/level");
  console.log(JSON.stringify({ before, after: loaded() }));
`;

test("a valid configuration loads without loading the package that finds positions", () => {
  const flags = ["--no-warnings", "--import", "./scripts/ts-node.mjs", "--input-type=module", "--eval", probe];
  const output = execFileSync(process.execPath, flags, { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual({ before: false, after: true });
});

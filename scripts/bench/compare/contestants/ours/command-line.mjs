import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configFor } from "./config.mjs";

/**
 * How the real command line is started for one prompt, streamed to stdout. What it keeps between runs is in `home`, so
 * that the second run finds what the first one has learned.
 */
export function command(setup, prompt) {
  const config = configFor(setup, { driver: "memory" });
  config.chat.service.streaming.enabled = true;
  const path = join(setup.home, "config.yaml");
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config));
  const args = [`${setup.dist}/main.js`, "--config", path, "run", prompt];
  return { args, env: { PATH: process.env.PATH, HOME: setup.home } };
}

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configFor } from "./config.mjs";

/**
 * Returns how to start the real command line for one prompt, with the answer streamed to stdout. All runs share `home`, so the second
 * run finds what the first one has stored there.
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

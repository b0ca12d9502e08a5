import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ConfigObject, type LoadedConfig, loadConfig } from "../../src/config/reading/load.js";
import { ConfigError } from "../../src/core/errors.js";

export interface Folder extends Disposable {
  path: string;
}

/** Makes a folder with these files. It is deleted at the end of the test. */
export function folderWith(files: Record<string, string>): Folder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "config-")));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

interface Given {
  env?: Record<string, string>;
  overrides?: ConfigObject;
  files?: Record<string, string>;
  isFound?: boolean;
}

/** Loads this text as `config.yaml`, with only the variables in `env`. */
export function loadText(text: string, { env = {}, overrides, files = {}, isFound }: Given = {}): LoadedConfig {
  using folder = folderWith({ "config.yaml": text, ...files });
  return loadConfig("config.yaml", { env: { HOME: "/home/me", ...env }, cwd: folder.path, overrides, isFound });
}

/** Returns the lines of the ConfigError that `load` throws. */
export function errorsOf(load: () => unknown): string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

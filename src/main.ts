#!/usr/bin/env node
/**
 * First step of the command line. It loads the bundle of `program.ts` and all its imports, which `scripts/bundle.mjs` writes to
 * `dist/bundle/`.
 */
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const { XDG_CACHE_HOME: xdgCacheHome, HOME: home = homedir() } = process.env;
// Node >= 22.1 can cache compiled code. The cache lies in a private folder of this user: in a shared folder, other users could plant code.
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
enableCompileCache?.(join(xdgCacheHome || join(home, ".cache"), "mcp-platform", "compiled"));
await import("./cli/program.js");

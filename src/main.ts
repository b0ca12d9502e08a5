#!/usr/bin/env node
/** The command line's first step. `program.ts`, and all that it loads, is built into `dist/bundle/` (scripts/bundle.mjs). */
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const { XDG_CACHE_HOME, HOME = homedir() } = process.env;
// Node >= 22.1 keeps what it has compiled. In a folder of the user's own: what lies in a shared one could be anybody's code.
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
enableCompileCache?.(join(XDG_CACHE_HOME || join(HOME, ".cache"), "mcp-platform", "compiled"));
await import("./program.js");

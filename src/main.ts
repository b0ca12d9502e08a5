#!/usr/bin/env node
/** First step of the command line. `program.ts`, with all that it loads, is built into `dist/bundle/` (scripts/bundle.mjs). */
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const { XDG_CACHE_HOME, HOME = homedir() } = process.env;
// Node >= 22.1 caches compiled code. The folder is the user's own: a shared one could contain anybody's code.
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
enableCompileCache?.(join(XDG_CACHE_HOME || join(HOME, ".cache"), "mcp-platform", "compiled"));
await import("./program.js");

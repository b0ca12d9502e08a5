#!/usr/bin/env node
/**
 * First step of the command line. It loads `program.ts`, which is bundled with everything it imports into `dist/bundle/`
 * (scripts/bundle.mjs).
 */
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const { XDG_CACHE_HOME, HOME = homedir() } = process.env;
// Node >= 22.1 can cache compiled code. The cache is in a folder of this user: other users could put code into a shared folder.
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
enableCompileCache?.(join(XDG_CACHE_HOME || join(HOME, ".cache"), "mcp-platform", "compiled"));
await import("./cli/program.js");

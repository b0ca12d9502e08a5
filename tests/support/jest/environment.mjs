import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { TestEnvironment } from "jest-environment-node";

/** Chunks that this worker has compiled. */
const compiled = new Map();

function compile(name) {
  const file = join(process.env.COMPILED_TESTS, name);
  const code = `(function (exports, require, module) {${readFileSync(file, "utf8")}\n})`;
  const script = new Script(code, { filename: file });
  compiled.set(name, script);
  return script;
}

/**
 * jest's own environment for Node: a context for each test file, with its own globals and its own modules. The chunks that bundle.mjs makes
 * are compiled once for all contexts of a worker.
 */
export default class extends TestEnvironment {
  constructor(...args) {
    super(...args);
    const loaded = new Map();
    this.global.sharedChunk = (name, require) => {
      const before = loaded.get(name);
      if (before) return before.exports;
      const module = { exports: {} };
      loaded.set(name, module);
      (compiled.get(name) ?? compile(name)).runInContext(this.context)(module.exports, require, module);
      return module.exports;
    };
  }
}

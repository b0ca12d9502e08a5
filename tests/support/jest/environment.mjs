import { AsyncLocalStorage } from "node:async_hooks";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import vm, { Script } from "node:vm";
import { SourceMapSupport } from "@jest/source-map";
import { TestEnvironment } from "jest-environment-node";
import { hideModelServers } from "./own-machine.mjs";

hideModelServers();
const folder = process.env.COMPILED_TESTS;

/** Tells jest once where the source maps of the chunks are. Otherwise jest would read and parse all of them for each test file. */
function rememberSourceMaps() {
  const chunks = readdirSync(folder).filter((name) => name.endsWith(".cjs"));
  const support = new SourceMapSupport();
  support.install(new Map(chunks.map((name) => [join(folder, name), join(folder, `${name}.map`)])));
  support.install(new Map()); // jest remembers the maps of a list only when another list follows
}

rememberSourceMaps();

/** jest's own compiled modules, by context. */
const functionsOf = new WeakMap();
const { compileFunction } = vm;

/**
 * Keeps jest's own modules with V8's compiled code, because jest compiles them again for each test file. Saves 12 % of the processor time
 * of tests/llm/wires, llm/answer and core (31 against 27 s, 2026-11-28).
 */
vm.compileFunction = (code, parameters, options) => {
  const { filename, parsingContext } = options;
  if (!parsingContext || !filename.includes("/node_modules/")) return compileFunction(code, parameters, options);
  const known = functionsOf.get(parsingContext) ?? new Map();
  functionsOf.set(parsingContext, known);
  const key = `${filename} ${parameters}`;
  if (!known.has(key)) known.set(key, compileFunction(code, parameters, options));
  return known.get(key);
};

/** Storages that were used since the last test file. */
const storages = new Set();
const { run } = AsyncLocalStorage.prototype;
AsyncLocalStorage.prototype.run = function (...args) {
  storages.add(this);
  return run.apply(this, args);
};

/** Disables the storages, because every promise copies the value of every enabled storage, and jest makes a storage for each test file. */
function disableStorages() {
  for (const storage of storages) storage.disable();
  storages.clear();
}

let ofThisWorker;

/**
 * Returns jest's environment for Node, made once for each worker and not once for each test file. A test file gets the host's modules as
 * the file before left them: loaded, run and optimised, which saves a third of the suite's time. So a test must restore what it changes
 * outside of itself. This environment restores globals, environment variables, mocks and clocks. Modules of tests/support are run again for
 * each test file, except those of tests/support/schemas, which take long to compile. Slow tests and those on PostgreSQL get an environment
 * of their own, because DBOS keeps its state in its modules.
 */
export default function environment(config, context) {
  const isQuick = config.projectConfig.displayName?.name === "sqlite" && !context.testPath.includes(".slow.test.");
  if (!isQuick) return new WorkerEnvironment(config, context);
  ofThisWorker ??= new WorkerEnvironment(config, context);
  return ofThisWorker;
}

class WorkerEnvironment extends TestEnvironment {
  /** Exports of the modules, by file. */
  #modules = new Map();
  /** Exports of the modules of tests/support, which ask jest for the functions of the current test file. */
  #support = new Map();
  #globals;
  #env;
  #exit;

  constructor(...args) {
    super(...args);
    this.global.sharedChunk = (name, require) => this.#chunk(name, require);
    this.#globals = Object.getOwnPropertyDescriptors(this.global);
    this.#env = { ...this.global.process.env };
    this.#exit = this.global.process.exit;
  }

  async teardown() {
    disableStorages();
    if (this !== ofThisWorker) return super.teardown();
    this.#support.clear();
    this.fakeTimersModern.useRealTimers();
    this.moduleMocker.restoreAllMocks();
    const { global } = this;
    for (const key of Reflect.ownKeys(global)) if (!(key in this.#globals)) Reflect.deleteProperty(global, key);
    global.process.exit = this.#exit; // jest wraps it for each test file
    const { env } = global.process;
    for (const name of Object.keys(env)) if (!(name in this.#env)) delete env[name];
    Object.assign(env, this.#env);
    this._globalProxy.leftovers = []; // jest cleans these up only at its end, so they would keep each file's modules until then
  }

  #chunk(name, require) {
    const file = join(folder, name);
    if (name === "support.cjs") return this.#run(file, require, this.#support);
    return this.#run(file, this.#requireOf(resolve("package.json")), this.#modules);
  }

  /** Acts as Node's `createRequire`, for modules that run in this context. */
  #requireOf(parent) {
    const { resolve: find } = createRequire(parent);
    const found = new Map();
    const load = (name) => {
      if (isBuiltin(name)) return this.#builtin(name);
      // Found once: a test that has given up root's permissions may not read the folder of this repository.
      const file = found.get(name) ?? find(name);
      found.set(name, file);
      if (file.endsWith(".node")) return createRequire(parent)(file);
      return this.#run(file, this.#requireOf(file), this.#modules);
    };
    return Object.assign(load, { resolve: find, cache: {} });
  }

  #builtin(name) {
    if (/^(node:)?process$/.test(name)) return this.global.process;
    const builtin = process.getBuiltinModule(name);
    if (!/^(node:)?module$/.test(name)) return builtin;
    return { ...builtin, createRequire: (from) => this.#requireOf(from) };
  }

  #run(file, require, modules) {
    const known = modules.get(file);
    if (known) return known.exports;
    const module = { id: file, filename: file, exports: {}, children: [], paths: [] };
    modules.set(file, module);
    if (file.endsWith(".json")) {
      module.exports = this.global.JSON.parse(readFileSync(file, "utf8"));
    } else {
      const run = compiled(file).runInContext(this.context);
      run.call(module.exports, module.exports, require, module, file, dirname(file));
    }
    return module.exports;
  }
}

const scripts = new Map();

function compiled(file) {
  const known = scripts.get(file);
  if (known) return known;
  const code = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, "utf8").replace(/^#!.*/, "")}\n})`;
  const { resolve: find } = createRequire(file);
  const importModuleDynamically = (name) => import(isBuiltin(name) ? name : find(name));
  const script = new Script(code, { filename: file, importModuleDynamically });
  scripts.set(file, script);
  return script;
}

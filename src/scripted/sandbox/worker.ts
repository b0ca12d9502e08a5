/**
 * The thread that runs untrusted JavaScript. It runs QuickJS in WebAssembly. The memory of the WebAssembly module cannot grow beyond the
 * memory limit. QuickJS's own memory limit is not used, because in this build it covers only single allocations. Each evaluation gets a new
 * runtime.
 */
import { parentPort } from "node:worker_threads";
import variant from "@jitl/quickjs-wasmfile-release-sync";
import {
  type CustomizeVariantOptions,
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
  Scope,
} from "quickjs-emscripten-core";
import { program } from "./sandbox-program.js";

export interface Evaluation {
  code: string;
  /** The values as a JSON object. Its keys are the names of the global variables. */
  json: string;
  timeoutMs: number;
  memoryMb: number;
}

/** Answer of the worker. `json` is absent if the result is undefined or if JSON cannot express it. */
export type WorkerAnswer = { json?: string } | { problem: string };

/**
 * Message of the worker. `begun` means that QuickJS is compiled and that the time limit of the code starts now; the answer follows later.
 */
export type WorkerMessage = "begun" | WorkerAnswer;

/** The package's types describe a CommonJS module, but `import` loads the ES module. */
const release = variant as unknown as QuickJSSyncVariant;
/** Node has the global `WebAssembly`, but Node's types do not declare it. */
const { Memory } = (globalThis as unknown as { WebAssembly: WebAssemblyWords }).WebAssembly;

type EmscriptenModule = NonNullable<CustomizeVariantOptions["emscriptenModule"]>;

interface WebAssemblyWords {
  Memory: new (pages: { initial: number; maximum: number }) => NonNullable<EmscriptenModule["wasmMemory"]>;
}

const pageBytes = 64 * 1024;
/** Memory with which the module starts, in pages. */
const firstPages = 256;
const stackBytes = 256 * 1024;
const maxResultBytes = 1_000_000;
const maxProblemChars = 500;

let loaded: { memoryMb: number; quickJs: QuickJSWASMModule } | undefined;

async function moduleWithin(memoryMb: number): Promise<QuickJSWASMModule> {
  if (loaded?.memoryMb === memoryMb) return loaded.quickJs;
  const maximum = Math.max(Math.floor((memoryMb * 1024 * 1024) / pageBytes), firstPages);
  // `printErr` is replaced, because Emscripten would otherwise write to this process's stderr when it aborts.
  const emscriptenModule = { wasmMemory: new Memory({ initial: firstPages, maximum }), printErr: () => undefined };
  const quickJs = await newQuickJSWASMModuleFromVariant(newVariant(release, { emscriptenModule }));
  // V8 compiles a WebAssembly function at its first call. This first run compiles the functions, so that the compilation does not count
  // towards the time limit of the code.
  run(quickJs, () => false, "0", "{}");
  loaded = { memoryMb, quickJs };
  return quickJs;
}

async function answerTo({ code, json, timeoutMs, memoryMb }: Evaluation): Promise<WorkerAnswer> {
  const quickJs = await moduleWithin(memoryMb);
  parentPort?.postMessage("begun" satisfies WorkerMessage);
  const deadline = performance.now() + timeoutMs;
  let isLate = false;
  const isOver = () => {
    isLate ||= performance.now() > deadline;
    return isLate;
  };
  const answer = run(quickJs, isOver, code, json);
  // A module that has failed once may be damaged, so it is not used again.
  if ("problem" in answer) loaded = undefined;
  return isLate ? { problem: `the code took longer than ${timeoutMs} ms` } : answer;
}

function run(quickJs: QuickJSWASMModule, isOver: () => boolean, code: string, json: string): WorkerAnswer {
  try {
    return Scope.withScope((scope) => {
      const runtime = scope.manage(quickJs.newRuntime());
      runtime.setMaxStackSize(stackBytes);
      runtime.setInterruptHandler(isOver);
      return resultIn(scope, runtime, code, json);
    });
  } catch (error) {
    if (error instanceof RangeError) return { problem: "the code, or its result, is nested too deeply" };
    return { problem: "the code ran out of memory" };
  }
}

function resultIn(scope: Scope, runtime: QuickJSRuntime, code: string, json: string): WorkerAnswer {
  const context = scope.manage(runtime.newContext());
  const evaluated = context.evalCode(program);
  if (evaluated.error) return { problem: problemOf(context, scope.manage(evaluated.error)) };
  const texts = [code, json].map((text) => scope.manage(context.newString(text)));
  const called = context.callFunction(scope.manage(evaluated.value), context.undefined, ...texts);
  if (called.error) return { problem: problemOf(context, scope.manage(called.error)) };
  const promise = scope.manage(called.value);
  const jobs = runtime.executePendingJobs();
  if (jobs.error) return { problem: problemOf(context, scope.manage(jobs.error)) };
  const state = context.getPromiseState(promise);
  if (state.type === "pending")
    return { problem: "the code waits for something that never happens: there are no timers and no network" };
  if (state.type === "rejected") return { problem: problemOf(context, scope.manage(state.error)) };
  const value = scope.manage(state.value);
  if (context.typeof(value) !== "string") return {};
  const result = context.getString(value);
  return result.length > maxResultBytes
    ? { problem: "the result of the code has more than 1 MB of JSON" }
    : { json: result };
}

/** Describes an error that the code threw. QuickJS throws null if there is no memory left for an error object. */
function problemOf(context: QuickJSContext, error: QuickJSHandle): string {
  const thrown: unknown = context.dump(error);
  if (typeof thrown !== "object" || thrown === null) {
    return `the code ${thrown ? `threw ${String(thrown).slice(0, maxProblemChars)}` : "threw nothing, or ran out of memory"}`;
  }
  const { name, message } = thrown as { name?: unknown; message?: unknown };
  if (message === "out of memory") return "the code ran out of memory";
  const said = typeof message === "string" ? message : JSON.stringify(thrown);
  return `the code threw ${typeof name === "string" ? `${name}: ` : ""}${said.slice(0, maxProblemChars)}`;
}

parentPort?.on("message", async (evaluation: Evaluation) => parentPort?.postMessage(await answerTo(evaluation)));

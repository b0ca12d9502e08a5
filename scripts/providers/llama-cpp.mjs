import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
/** npm package that contains the sources of llama.cpp 0.4.0. */
const sources = "node-llama-cpp@3.21.1";
const buildTimeoutMs = 4 * 3_600_000;
/** A language model of 640,000 parameters, trained for this project. It calls the tool that the prompt names. */
const model = fileURLToPath(new URL("micro-tool.gguf", import.meta.url));
const units = fileURLToPath(new URL("llama-units.cmake", import.meta.url));

/** Starts llama.cpp's server with that model on a free port of loopback. */
export async function startLlamaCpp(folder) {
  const program = process.env.LLAMA_SERVER ?? (await compiled(folder));
  const port = await freePort();
  const flags = ["--host", "127.0.0.1", "--port", port, "--jinja", "--ctx-size", 4096, "--parallel", 1, "--threads", 1];
  const server = spawn(program, ["--model", model, "--alias", "micro-tool", ...flags.map(String)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lastWords = [];
  const isListening = new Promise((listens, fails) => {
    createInterface(server.stderr).on("line", (line) => {
      lastWords.push(line);
      if (lastWords.length > 20) lastWords.shift();
      if (/listening on http/.test(line)) listens();
    });
    server.once("error", fails);
    server.once("exit", (code) => fails(new Error(`llama-server ended with ${code}:\n${lastWords.join("\n")}`)));
  });
  await isListening;
  const stop = async () => {
    const exit = once(server, "exit");
    server.kill();
    await exit;
  };
  return { origin: `http://127.0.0.1:${port}`, version: await versionOf(program), stop };
}

/** Resolves with the path of the server in the folder. Compiles it first if it is missing. */
async function compiled(folder) {
  const program = join(folder, "llama-server");
  if (existsSync(program)) return program;
  process.stderr.write(`compiling llama.cpp from ${sources} in ${folder}; that takes half an hour\n`);
  const run = (file, args, cwd = folder) =>
    execute(file, args, { cwd, timeout: buildTimeoutMs, maxBuffer: 256 * 1024 * 1024 });
  const { stdout } = await run("npm", ["pack", sources, "--silent"]);
  const bundle = "package/llama/gitRelease.bundle";
  await run("tar", ["-xzf", stdout.trim(), bundle]);
  if (!existsSync(join(folder, "src"))) await run("git", ["clone", "--quiet", bundle, "src"]);
  mkdirSync(join(folder, "build"), { recursive: true });
  const off = [
    "BUILD_SHARED_LIBS",
    "GGML_NATIVE",
    "GGML_OPENMP",
    "LLAMA_OPENSSL",
    "LLAMA_BUILD_TESTS",
    "LLAMA_BUILD_EXAMPLES",
  ];
  const settings = [
    // A model this small needs no optimised C++ code, and the compiler is twice as fast without optimisation.
    ...["CMAKE_BUILD_TYPE=None", "CMAKE_C_FLAGS=-O2 -w", "CMAKE_CXX_FLAGS=-O0 -w", "LLAMA_BUILD_NUMBER=0"],
    ...[...off, "LLAMA_BUILD_APP", "LLAMA_BUILD_UI", "LLAMA_USE_PREBUILT_UI"].map((name) => `${name}=OFF`),
    `CMAKE_PROJECT_llama.cpp_INCLUDE=${units}`,
  ];
  await run("cmake", ["-S", "src", "-B", "build", ...settings.map((setting) => `-D${setting}`)]);
  await run("nice", ["cmake", "--build", "build", "--target", "llama-server", "--parallel", "1"]);
  renameSync(join(folder, "build/bin/llama-server"), program);
  return program;
}

/** Resolves with the version that the server prints: `version: 0.4.0-dev (build 0, commit 80fb11a)`. */
async function versionOf(program) {
  const { stdout, stderr } = await execute(program, ["--version"]);
  return /version: (\S+)/.exec(stdout + stderr)?.[1] ?? "of an unknown version";
}

async function freePort() {
  const socket = createServer().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise((done) => socket.close(done));
  return port;
}

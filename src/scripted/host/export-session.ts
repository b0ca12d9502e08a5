/** Implements `sessions export ID --as session`: converts a conversation to a session file and a cassette, using only the event log. */

import { constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadedConfig, loadConfig } from "../../config/reading/load.js";
import type { Environment } from "../../core/environment.js";
import { RequestError } from "../../core/errors.js";
import type { Question, StoredEvent } from "../../core/events.js";
import { clearing } from "../../core/text/redaction.js";
import type { Tape } from "../../host/tape.js";
import { type Playable, type PlayableTurn, readPlayable } from "../../session/export/playable.js";
import { redacted } from "../../session/export/redact-export.js";
import { openCassette } from "../cassette/cassette.js";
import { difference } from "../from-log/difference.js";
import { LogTape, type RequestTool } from "../from-log/log-tape.js";
import { hasAskedShape, sessionFile } from "../from-log/session-file.js";
import { readScript } from "../reading/read-script.js";
import type { ScriptResult } from "../shared/script-result.js";
import { problemInForm } from "../steps/answers.js";
import { definitions, findTool, isConfigured, writtenServer } from "./known-servers.js";
import { runOnTape, runReadScript } from "./run-script.js";
import { settingsOf } from "./script-settings.js";

export interface SessionExport {
  /** Configuration of the user who exports. It contains the definitions of the servers. */
  loaded: LoadedConfig;
  env: Environment;
  secrets: readonly string[];
  /** Folder for the new files. */
  folder: string;
}

/** Clock of the recording. It always returns 0, because the log does not record pauses. */
const now = () => 0;

/** Settings of the host that records the cassette. This machine's configuration is ignored, because the session must run on any machine. */
const nowhere = { config: {}, env: {}, observe: () => {} };

/**
 * Replays the conversation with the answers from its log, records a cassette while doing so, and then plays the cassette as a test.
 * Resolves with the paths of the new files and with notes for the user. If the conversation cannot be replayed, rejects with RequestError
 * and writes no file.
 */
export async function exportSession(
  conversationId: string,
  events: readonly StoredEvent[],
  { loaded, env, secrets, folder }: SessionExport,
): Promise<{ files: string[]; notes: string[] }> {
  const name = conversationId.replaceAll(/[^\w.-]+/g, "-");
  const files = [`${name}.session.yaml`, `${name}.cassette.jsonl`].map((file) => join(folder, file));
  for (const file of files) {
    if (!existsSync(file)) continue;
    throw new RequestError("usage", `${file} is there already`, { hint: "Name another folder (-o), or remove it." });
  }

  const known = definitions(loaded, env);
  const playable = await withoutRepeatedForms(readPlayable(await redacted(events, secrets), findTool(known)));
  const servers = serversOf(playable);
  const clean = clearing(secrets);
  // The session does not have to define the demo server, because a host without configuration starts it anyway.
  const own = servers.filter((server) => server !== "demo" || isConfigured(loaded, server));
  const mcpServers = Object.fromEntries(own.map((server) => [server, writtenServer(loaded, server, clean)]));
  const temporary = mkdtempSync(join(tmpdir(), "mcp-platform-export-"));
  try {
    const draft = join(temporary, `${name}.session.yaml`);
    const make = async (tools: typeof known) => {
      const notes = [...playable.leftOut, ...notesOn(playable), ...madeUpNotes(servers, tools)];
      const parts = { conversationId, turns: playable.turns, model: modelOf(playable), mcpServers, notes };
      writeFileSync(draft, sessionFile(parts), { mode: 0o700 });
      return { notes, problem: await playThrough(draft, playable, { tools, secrets }) };
    };
    let made = await make(known);
    // Tries again without the stored tool definitions, because a tool may have had another definition when it was called.
    if (made.problem !== undefined && servers.some((server) => known.has(server))) made = await make(new Map());
    if (made.problem !== undefined) {
      throw new RequestError("usage", `the conversation cannot be repeated: ${made.problem}`);
    }
    mkdirSync(folder, { recursive: true });
    for (const [index, file] of [draft, join(temporary, `${name}.cassette.jsonl`)].entries()) {
      copyFileSync(file, files[index] as string, constants.COPYFILE_EXCL);
    }
    return { files, notes: made.notes };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Records the session and plays it once. Returns the first problem, or the first difference from the conversation, or undefined if there is
 * neither.
 */
async function playThrough(
  path: string,
  { turns }: Playable,
  { tools, secrets }: { tools: ReadonlyMap<string, readonly RequestTool[]>; secrets: readonly string[] },
): Promise<string | undefined> {
  const script = readScript(path, process.cwd());
  const cassette = await openCassette({ path: script.cassette, mode: "record", match: "messages", secrets, now });
  const tape = recordingTape(cassette.tape, new LogTape(turns, tools));
  const allowsUnset = true;
  const config = loadConfig({}, { env: {}, allowsUnset }).with(settingsOf(script), { allowsUnset });
  const result = await runOnTape(script, { ...nowhere, config, tape });
  const problem = difference(turns, result.steps, findTool(tools)) ?? failureIn(result) ?? (await cassette.finish())[0];
  if (problem !== undefined) return problem;
  return failureIn(await runReadScript(script, { ...nowhere, cassette: "replay" }));
}

function failureIn({ passed, error, steps }: ScriptResult): string | undefined {
  if (passed) return undefined;
  const step = steps.find((each) => !each.passed);
  const reasons = step?.assertions.filter((each) => !each.passed).map(({ reason }) => reason) ?? [];
  return [error?.message, step?.error?.message, ...reasons].find((each) => each !== undefined) ?? "it fails";
}

/** Returns the model of the last turn. A session has only one model, even if the turns have several. */
function modelOf({ turns }: Playable): { provider: string; model: string } {
  const { provider, model } = answersOf(turns).at(-1) ?? { provider: "demo", model: "demo" };
  return { provider, model };
}

function answersOf(turns: Playable["turns"]) {
  return turns.flatMap(({ hops }) => hops.map(({ answer }) => answer));
}

function notesOn({ turns }: Playable): string[] {
  const models = [...new Set(answersOf(turns).map(({ provider, model }) => `${provider}/${model}`))];
  const attached = turns.filter(({ content }) => content.some(({ type }) => type !== "text"));
  const compacted = turns.filter(({ isCompacted }) => isCompacted);
  const shapeless = turns.filter((turn) => !hasAskedShape(turn));
  return [
    ...compacted.map(
      ({ number }) => `turn ${number} made a summary of the turns before; the session continues with all of them`,
    ),
    ...(models.length > 1
      ? [`the answers came from ${models.join(", ")}; the session names the last of these models`]
      : []),
    ...shapeless.map(
      ({ number }) =>
        `turn ${number} was cut before its answer had the shape of its JSON Schema; the session does not ask for the shape`,
    ),
    ...attached.map(({ number }) => `the attachments of turn ${number} are only named`),
  ];
}

function serversOf({ turns }: Playable): string[] {
  const calls = turns.flatMap(({ hops }) => hops.flatMap((hop) => hop.calls));
  return [...new Set(calls.map(({ server }) => server))].filter((server) => server !== "").sort();
}

function madeUpNotes(servers: readonly string[], known: ReadonlyMap<string, unknown>): string[] {
  return servers
    .filter((server) => !known.has(server))
    .map(
      (server) =>
        `the definitions of ${server}'s tools are made up from their calls, because this host does not know them`,
    );
}

/**
 * Returns a tape, which stands in for the connections to models and servers. The tape `source` gives the answers, and the tape `recorder`
 * records them.
 */
function recordingTape(recorder: Tape, source: Tape): Tape {
  const never = () => Promise.reject(new TypeError("there is no wire"));
  return {
    playsModels: true,
    isInstant: true,
    wireOf: (provider) => source.wireOf?.(provider),
    conceal: (secrets) => recorder.conceal(secrets),
    choose: (choose) => recorder.choose(choose),
    inEffect: (choice) => recorder.inEffect?.(choice),
    model: (exchange) => recorder.model(exchange, () => source.model(exchange, never)),
    hello: (server, life) => recorder.hello(server, life, (told) => source.hello(server, told, never)),
    server: (exchange, life) => recorder.server(exchange, life, (told) => source.server(exchange, told, never)),
  };
}

/**
 * Returns the conversation without the forms that the host asked again, because what was entered did not fit. Their last repetition stays, so a
 * replay asks for the form once, and gets the content that fits.
 */
async function withoutRepeatedForms({ turns, ...others }: Playable): Promise<Playable> {
  return { ...others, turns: await Promise.all(turns.map(withFittingForms)) };
}

async function withFittingForms({ questions, hops, ...turn }: PlayableTurn): Promise<PlayableTurn> {
  const problems = await Promise.all(questions.map(({ question, value }) => problemInForm(value, question)));
  const repeated = new Set<Question>(
    questions.flatMap(({ question }, index) => (problems[index] === undefined ? [] : [question])),
  );
  return {
    ...turn,
    questions: questions.filter(({ question }) => !repeated.has(question)),
    hops: hops.map(({ answer, calls }) => ({
      answer,
      calls: calls.map((call) => ({ ...call, asks: call.asks.filter((asked) => !repeated.has(asked)) })),
    })),
  };
}

import { PassThrough, Readable, Transform, Writable } from "node:stream";
import {
  type ClientCapabilities,
  type CreateElicitationRequest,
  type CreateElicitationResponse,
  client,
  methods,
  ndJsonStream,
  type RequestPermissionRequest,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import { newId } from "../../src/core/ids.js";
import { runAcp } from "../../src/doors/acp/acp.js";
import type { App } from "../../src/index.js";
import { doorParts, interrupts } from "../doors/support.js";
import { acpProblem } from "./schemas/acp-schema.js";

interface Message {
  id?: unknown;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: unknown;
}

/** Reads both directions of a connection and records messages that break the schema. */
class Wire {
  readonly messages: Message[] = [];
  readonly problems: string[] = [];
  readonly #asked = { client: new Map<unknown, string>(), agent: new Map<unknown, string>() };

  tap(from: "client" | "agent"): Transform {
    let rest = "";
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#check(from, JSON.parse(line));
        done(null, chunk);
      },
    });
  }

  #check(from: "client" | "agent", message: Message): void {
    this.messages.push(message);
    const problem = this.#problem(from, message);
    if (problem) this.problems.push(`${problem}: ${JSON.stringify(message)}`);
  }

  #problem(from: "client" | "agent", { id, method, params, result, error }: Message): string | undefined {
    if (method !== undefined) {
      if (id !== undefined) this.#asked[from].set(id, method);
      return acpProblem(params, id === undefined ? "Notification" : "Request", method);
    }
    const asked = this.#asked[from === "client" ? "agent" : "client"].get(id);
    if (asked === undefined) return "an answer that nobody asked for";
    return error === undefined ? acpProblem(result, "Response", asked) : acpProblem(error, "Error", asked);
  }
}

interface Behaviour {
  capabilities?: ClientCapabilities;
  /** Returns the chosen option; undefined cancels. */
  onPermission?: (
    request: RequestPermissionRequest,
    signal: AbortSignal,
  ) => string | undefined | Promise<string | undefined>;
  onElicitation?: (request: CreateElicitationRequest) => CreateElicitationResponse;
}

/** Connects the SDK's own client to these pipes. Every message is checked. */
export function connectClient(
  pipes: { input: Writable; output: Readable },
  { onPermission = () => "allow_once", onElicitation = () => ({ action: "decline" }) }: Behaviour = {},
) {
  const wire = new Wire();
  const updates: SessionUpdate[] = [];
  const permissions: RequestPermissionRequest[] = [];
  const toAgent = wire.tap("client");
  toAgent.pipe(pipes.input);
  const stream = ndJsonStream(
    Writable.toWeb(toAgent) as WritableStream<Uint8Array>,
    Readable.toWeb(pipes.output.pipe(wire.tap("agent"))) as ReadableStream<Uint8Array>,
  );
  const waiting: (() => void)[] = [];
  const { agent, close, closed } = client({ name: "test" })
    .onRequest(methods.client.session.requestPermission, async ({ params, signal }) => {
      permissions.push(params);
      const optionId = await onPermission(params, signal);
      return { outcome: optionId ? { outcome: "selected", optionId } : { outcome: "cancelled" } };
    })
    .onRequest(methods.client.elicitation.create, ({ params }) => onElicitation(params))
    .onNotification(methods.client.session.update, ({ params }) => {
      updates.push(params.update);
      for (const look of waiting) look();
    })
    .connect(stream);
  return {
    agent,
    wire,
    updates,
    permissions,
    close,
    closed,
    end: () => toAgent.end(),
    of: <Kind extends SessionUpdate["sessionUpdate"]>(kind: Kind) =>
      updates.filter(
        (update): update is Extract<SessionUpdate, { sessionUpdate: Kind }> => update.sessionUpdate === kind,
      ),
    /** Returns the agent's text so far. */
    said: () =>
      updates.map((update) => (update.sessionUpdate === "agent_message_chunk" ? textIn(update) : "")).join(""),
    until: (isThere: (update: SessionUpdate) => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => updates.some(isThere) && resolve();
        waiting.push(look);
        look();
      }),
  };
}

function textIn({ content }: Extract<SessionUpdate, { sessionUpdate: "agent_message_chunk" }>): string {
  return content.type === "text" ? content.text : "";
}

/** Runs the door in this process. */
function runDoor(app: App) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const { onInterrupt, interrupt } = interrupts();
  const { models, extendHub } = app;
  const host = {
    ...doorParts(app),
    newId,
    version: "1.0.0",
    approval: () => app.config.chat.service.approval,
    models,
    extendHub,
    contextWindow: (model?: string) => app.orchestrator.facts(model).contextWindow,
  };
  return { stdin, stdout, interrupt, exitCode: runAcp(host, { stdin, stdout, onInterrupt }) };
}

/** Runs the door in this process, for lines that no client of the SDK would send. */
export function openRawAcp(app: App) {
  const { stdin, stdout, exitCode } = runDoor(app);
  let text = "";
  stdout.on("data", (bytes: Buffer) => {
    text += bytes;
  });
  return {
    send: (line: string) => void stdin.write(`${line}\n`),
    /** Ends the input. Resolves to the messages of the door when everything is answered. */
    async end(): Promise<Message[]> {
      stdin.end();
      await exitCode;
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Message);
    },
  };
}

/** Runs the door in this process, with a client that has sent `initialize`. */
export async function openAcp(app: App, behaviour: Behaviour = {}) {
  const { stdin, stdout, interrupt, exitCode } = runDoor(app);
  const connected = connectClient({ input: stdin, output: stdout }, behaviour);
  const { agent, wire, end } = connected;
  await agent.request(methods.agent.initialize, {
    protocolVersion: 1,
    clientCapabilities: behaviour.capabilities ?? {},
  });
  const prompt = (sessionId: string, text: string) =>
    agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: "text", text }] });
  return {
    ...connected,
    exitCode,
    interrupt,
    prompt,
    begin: async (mcpServers: Parameters<typeof newSession>[1] = []) => (await newSession(agent, mcpServers)).sessionId,
    /** Ends the input, and checks that every message matched the schema. */
    async [Symbol.asyncDispose]() {
      end();
      await exitCode;
      if (wire.problems.length > 0) throw new Error(wire.problems.join("\n"));
    },
  };
}

type Agent = ReturnType<typeof connectClient>["agent"];

export function newSession(
  agent: Agent,
  mcpServers: Extract<Parameters<Agent["buildSession"]>[0], object>["mcpServers"] = [],
  cwd = process.cwd(),
) {
  return agent.request(methods.agent.session.new, { cwd, mcpServers });
}

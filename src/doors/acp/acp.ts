/** Serves editors over the Agent Client Protocol v1, on stdin and stdout. https://agentclientprotocol.com/protocol/v1 */
import {
  type AgentConnection,
  type AuthMethodAgent,
  agent,
  methods,
  PROTOCOL_VERSION,
  RequestError,
} from "@agentclientprotocol/sdk";
import { errorInfo } from "../../core/errors.js";
import type { Pipe } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { Output } from "../shared/output.js";
import type { AcpParts } from "./acp-parts.js";
import { AcpSessions } from "./acp-sessions.js";
import { requestIdField } from "./request-id.js";
import { lineStream } from "./stream.js";

/** Serves one client. Resolves with the exit code when stdin has ended and every request has been answered. */
export async function runAcp(parts: AcpParts, { stdin, stdout, onInterrupt }: Pipe): Promise<number> {
  const sessions = new AcpSessions(parts, () => connection.client);
  await parts.sessions.recover(() => sessions.ids);
  parts.sessions.startUpkeep();
  let isInterrupted = false;
  const unsubscribe = onInterrupt(() => {
    isInterrupted = true;
    sessions.cancelAll();
    stdin.destroy();
  });
  const stream = lineStream(stdin, new Output(stdout), () => sessions.leave());
  const connection: AgentConnection = agentOf(parts, sessions).connect(stream);
  await connection.closed;
  unsubscribe();
  await sessions.close();
  return isInterrupted ? exitCodes.cancelled : exitCodes.done;
}

/**
 * Placeholder for a login, which this host does not have. ACP's registry of agents requires that an agent has at least one login method. An
 * editor can call this method to check whether a model is configured.
 */
const byConfiguration: AuthMethodAgent = {
  id: "configuration",
  name: "Key in the configuration",
  description: "Checks that the configuration names a model. Keys are in config.yaml or in <PROVIDER>_API_KEY.",
};

function agentOf({ version, resolveModel }: AcpParts, sessions: AcpSessions) {
  const { session } = methods.agent;
  return agent({ name: "mcp-platform" })
    .onRequest(methods.agent.initialize, ({ params }) => {
      sessions.capabilities = params.clientCapabilities ?? {};
      return {
        protocolVersion: PROTOCOL_VERSION,
        agentInfo: { name: "mcp-platform", title: "MCP-Platform", version },
        agentCapabilities: {
          loadSession: true,
          promptCapabilities: { image: true, audio: true, embeddedContext: true },
          mcpCapabilities: { http: true, sse: true },
          sessionCapabilities: { list: {}, resume: {}, close: {} },
          _meta: { [requestIdField]: true },
        },
        authMethods: [byConfiguration],
      };
    })
    .onRequest(methods.agent.authenticate, ({ params: { methodId } }) =>
      asProtocolErrors(async () => {
        if (methodId !== byConfiguration.id) {
          throw new RequestError(invalidParams, `there is no auth method ${JSON.stringify(methodId.slice(0, 80))}`);
        }
        resolveModel();
        return {};
      }),
    )
    .onRequest(session.new, ({ params }) => asProtocolErrors(() => sessions.create(params)))
    .onRequest(session.load, ({ params }) => asProtocolErrors(() => sessions.load(params, { replay: true })))
    .onRequest(session.resume, ({ params }) => asProtocolErrors(() => sessions.load(params, { replay: false })))
    .onRequest(session.list, ({ params }) => asProtocolErrors(() => sessions.list(params)))
    .onRequest(session.close, ({ params }) => asProtocolErrors(() => sessions.end(params.sessionId)))
    .onRequest(session.setMode, ({ params }) =>
      asProtocolErrors(async () => {
        await sessions.get(params.sessionId).setMode(params.modeId);
        return {};
      }),
    )
    .onRequest(session.setConfigOption, ({ params }) =>
      asProtocolErrors(async () => {
        const chosen = sessions.get(params.sessionId);
        await chosen.setOption(params.configId, String(params.value));
        return { configOptions: chosen.choices.configOptions };
      }),
    )
    .onRequest(session.prompt, ({ params, signal }) =>
      asProtocolErrors(() => sessions.get(params.sessionId).prompt(params, signal)),
    )
    .onNotification(session.cancel, ({ params }) => sessions.find(params.sessionId)?.cancel());
}

const invalidParams = -32602;
const internalError = -32603;
/** Kinds of errors that the client can fix. */
const clientErrors = new Set(["usage", "config", "request_mismatch", "not_found"]);

/** Runs `work`. Turns an error into a JSON-RPC error that has this host's message and hint. */
async function asProtocolErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RequestError) throw error;
    const { message, ...data } = errorInfo(error);
    const code = clientErrors.has(data.kind) ? invalidParams : internalError;
    throw new RequestError(code, data.hint ? `${message} (${data.hint})` : message, data);
  }
}

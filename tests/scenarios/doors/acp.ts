import { methods } from "@agentclientprotocol/sdk";
import { newSession, openAcp } from "../../support/acp.js";
import { type Door, once, settled } from "./door.js";

/** The SDK's client for editors. It loads a conversation that is in the log, as an editor does; any other one is a new session. */
export const acp: Door = {
  name: "ACP",
  streamsByRequest: false,
  async open(app) {
    const answers = new Map<string, boolean | undefined>();
    const client = await openAcp(app, {
      onPermission: ({ sessionId }) => (answers.get(sessionId) ? "allow_once" : "reject_once"),
    });
    const { agent } = client;
    const load = (sessionId: string) =>
      agent.request(methods.agent.session.load, { sessionId, cwd: process.cwd(), mcpServers: [] });
    const sessions = once(async (conversationId) => {
      if ((await app.sessions.history(conversationId)).length === 0) return (await newSession(agent)).sessionId;
      await load(conversationId);
      return conversationId;
    });
    return {
      async history(conversationId) {
        const before = client.updates.length;
        await load(conversationId);
        return JSON.stringify(client.updates.slice(before));
      },
      idOf: (conversationId) => sessions.of(conversationId),
      async prompt({ conversationId, requestId, text, answer, cancelAt }) {
        const sessionId = await sessions.of(conversationId);
        answers.set(sessionId, answer);
        void cancelAt?.then(() => agent.notify(methods.agent.session.cancel, { sessionId }));
        const prompt = [{ type: "text" as const, text }];
        const Meta = { "mcp-platform/request-id": requestId };
        await settled(agent.request(methods.agent.session.prompt, { sessionId, prompt, _meta: Meta }));
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
};

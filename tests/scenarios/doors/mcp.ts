import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { createMcpServer } from "../../../src/doors/mcp/server.js";
import { mcpParts } from "../../support/mcp-door.js";
import { type Door, settled } from "./door.js";

/** The tool `chat`, called by the SDK's client. */
export const mcp: Door = {
  name: "MCP",
  cannot: { "show history": "a tool gives the result of one call" },
  streamsByRequest: false,
  async open(app) {
    let answered: boolean | undefined;
    const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: "accept",
      content: { answer: answered ? "once" : "no" },
    }));
    const [one, other] = InMemoryTransport.createLinkedPair();
    await (await createMcpServer(mcpParts(app))).connect(one);
    await client.connect(other);
    return {
      async prompt({ conversationId, requestId, text, answer, cancelAt }) {
        answered = answer;
        const cancelled = new AbortController();
        void cancelAt?.then(() => cancelled.abort());
        const args = { prompt: text, conversation_id: conversationId, request_id: requestId };
        await settled(client.callTool({ name: "chat", arguments: args }, undefined, { signal: cancelled.signal }));
        await app.sessions.find(conversationId)?.turns.idle(); // a cancelled call has no answer to wait for
      },
      [Symbol.asyncDispose]: () => client.close(),
    };
  },
};

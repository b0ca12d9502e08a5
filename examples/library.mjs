// A turn with a tool from your own program. The person (here: this program) is asked before the tool runs.
import { fileURLToPath } from "node:url";
import { createApp } from "mcp-platform";

// The bundled demo server, under a name of its own. Yours has its command here.
const server = fileURLToPath(new URL("demo/mcp-server.js", import.meta.resolve("mcp-platform")));

const app = await createApp({
  config: {
    llm: { active: "demo" },
    mcpServers: { local: { command: process.execPath, args: [server] } },
    chat: { storage: { driver: "memory" }, service: { approval: "ask" } },
  },
});
try {
  const session = app.sessions.open("first");
  for await (const event of session.prompt({ requestId: "r1", text: "Add 2 and 40 with the add tool" })) {
    if (event.type === "question") {
      // A person would be asked here. This program allows the call.
      if (event.question.kind === "approval") console.log(`allowed: ${event.question.call.name}`);
      session.answer(event.questionId, true);
    }
    if (event.type === "text_delta") process.stdout.write(event.delta);
  }
  console.log();
} finally {
  await app.close();
}

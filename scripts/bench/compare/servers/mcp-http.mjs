/** A hand-written MCP server over Streamable HTTP. It answers with an event stream, as the official SDK's servers do. */
import { answerTo } from "./mcp.mjs";
import { answer, listen } from "./raw-http.mjs";

process.send({ port: await listen(respond) });
process.on("disconnect", () => process.exit());

function respond({ method, body }, socket) {
  if (method === "GET") return answer(socket, "text/plain", "", { status: "405 Method Not Allowed" });
  if (method === "DELETE") return answer(socket, "text/plain", "");
  const text = body.toString();
  if (!text.includes('"id":')) return answer(socket, "text/plain", "", { status: "202 Accepted" });
  const headers = text.includes('"initialize"') ? "mcp-session-id: s1\r\n" : "";
  answerTo(text, (said) => answer(socket, "text/event-stream", `event: message\ndata: ${said}\n\n`, { headers }));
}

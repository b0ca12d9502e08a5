import { openPipe } from "../../doors/claude/client.js";
import { type Door, once } from "./door.js";

/** A program that talks to `run` as it does to Claude Code. One pipe has one conversation. */
export const claude: Door = {
  name: "Claude's stream-json",
  cannot: { "show history": "it tells of a turn while that runs" },
  streamsByRequest: false,
  async open(app) {
    const { systemPrompt, approval, streaming } = app.config.chat.service;
    const turn = { streaming };
    const pipes = once((conversationId) =>
      openPipe(app, { conversationId, systemPrompt, approval, canAsk: true, turn }),
    );
    return {
      async prompt({ conversationId, requestId, text, answer, cancelAt }) {
        const pipe = pipes.of(conversationId);
        const results = () => pipe.messages("result").length;
        const before = results();
        pipe.user(text, { uuid: requestId });
        void cancelAt?.then(() => pipe.control(`cancel ${requestId}`, { subtype: "interrupt" }));
        if (answer !== undefined) {
          await pipe.stdout.until('"subtype":"can_use_tool"');
          const behavior = answer ? { behavior: "allow" } : { behavior: "deny", message: "" };
          pipe.respond(pipe.asked().request_id, behavior);
        }
        while (results() === before) await pipe.stdout.until('"type":"result"');
      },
      async [Symbol.asyncDispose]() {
        for (const pipe of pipes.values()) await pipe.end();
      },
    };
  },
};

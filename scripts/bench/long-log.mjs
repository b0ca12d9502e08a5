/** Makes long conversations for measurements and tests. */

/** Characters of a turn, most of them in its answer. */
const turnChars = 6_000;

const paragraph = "The tide **rises** and falls twice a day, and the `moon` is late by fifty minutes. ".repeat(4);

/** Appends turns to a conversation of the log: a question with the turn's number, an answer that ends with `filling`, and the end. */
export async function appendTurns(
  store,
  conversationId,
  turns,
  {
    chars = turnChars,
    first = 1,
    filling = `${paragraph}\n\n`.repeat(Math.ceil(chars / paragraph.length)).slice(0, chars),
  } = {},
) {
  for (let number = first; number < first + turns; number++) {
    const turnId = `turn_${number}`;
    const content = [{ type: "text", text: `question ${number}` }];
    const message = { type: "user_message", turnId, requestId: `request_${number}`, content };
    await store.claim(conversationId, message, { nodeId: "bench", workspace: "bench", options: {} });
    const { fence } = await store.turns.acquire(conversationId, turnId, "bench");
    const answer = {
      type: "assistant_message",
      turnId,
      message: { role: "assistant", content: `answer ${number}\n\n${filling}`, toolCalls: [] },
      ...{ finishReason: "stop", provider: "demo", model: "demo-1", attempts: 1 },
      usage: { inputTokens: 1_000, outputTokens: 100 },
      spent: { tokens: 1_100, usd: 0.001 },
    };
    const end = { type: "turn_end", turnId, stopReason: "end_turn" };
    await store.appendAll(conversationId, [answer, end], { fence, position: 2 });
  }
}

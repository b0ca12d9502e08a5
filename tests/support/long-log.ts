import { openStore } from "../../src/log/open.js";
import { turn } from "../log/support.js";

/** Appends turns to a conversation in the file of a log: `question N` with the answer `answer N …` and the end. */
export async function appendTurns(
  path: string,
  conversationId: string,
  turns: number,
  { chars = 500, first = 1 }: { chars?: number; first?: number } = {},
): Promise<void> {
  const store = await openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} });
  const filling = "The tide **rises** and falls twice a day.\n\n".repeat(Math.ceil(chars / 43)).slice(0, chars);
  for (let number = first; number < first + turns; number++) {
    const one = turn(`turn_${number}`);
    await store.append(conversationId, one.user(`question ${number}`, `request_${number}`));
    await store.append(conversationId, one.answer(`answer ${number}\n\n${filling}`));
    await store.append(conversationId, one.end());
  }
  await store.close();
}

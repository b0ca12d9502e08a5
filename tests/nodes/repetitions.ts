import { askedIn, type Cluster } from "./cluster.js";

/**
 * Returns the requests that the model got more than once, as `text#results`. `completed`: the answer was in the log before the repetition.
 * `inFlight`: the others, whose first node was gone before. Each turn has a different text.
 */
export async function repetitions(cluster: Cluster): Promise<{ completed: string[]; inFlight: string[] }> {
  const answered = new Map<string, number>();
  const rows = await cluster.query<{ text: string; hop: string; at: string }>(
    `SELECT (SELECT payload::json #>> '{content,0,text}' FROM events AS asked
        WHERE asked.turn_id = events.turn_id AND asked.type = 'user_message') AS text,
      row_number() OVER (PARTITION BY turn_id ORDER BY seq) - 1 AS hop, at
     FROM events WHERE type = 'assistant_message' AND payload::json -> 'interrupted' IS NULL`,
  );
  for (const { text, hop, at } of rows) answered.set(`${text}#${hop}`, Number(at));
  const asked = new Set<string>();
  const repeated = { completed: [] as string[], inFlight: [] as string[] };
  for (const request of cluster.llm.requests) {
    const { text, results } = askedIn(request);
    const step = `${text}#${results}`;
    if (asked.has(step)) {
      const wasAnswered = (answered.get(step) ?? Number.POSITIVE_INFINITY) < request.at;
      (wasAnswered ? repeated.completed : repeated.inFlight).push(step);
    }
    asked.add(step);
  }
  return repeated;
}

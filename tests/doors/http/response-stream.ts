import { expect } from "@jest/globals";
import type { ResponseStreamEvent } from "openai/resources/responses/responses.js";

type Item = { id: string; type: string; status?: string; [field: string]: unknown };

/** For each item type: the delta event, the done event, and the field that the deltas add up to. */
const written: Record<string, { delta: string; done: string; field: string }> = {
  function_call: {
    delta: "response.function_call_arguments.delta",
    done: "response.function_call_arguments.done",
    field: "arguments",
  },
  custom_tool_call: {
    delta: "response.custom_tool_call_input.delta",
    done: "response.custom_tool_call_input.done",
    field: "input",
  },
  mcp_call: {
    delta: "response.mcp_call_arguments.delta",
    done: "response.mcp_call_arguments.done",
    field: "arguments",
  },
  message: { delta: "response.output_text.delta", done: "response.output_text.done", field: "text" },
};

/**
 * Checks a whole stream against the Responses API and returns its items. Sequence numbers have no gap. Each item is added empty and in
 * progress, then come its deltas, then it is done with their sum. The last event has the same items.
 */
export function checkStream(events: readonly ResponseStreamEvent[]): Item[] {
  const all = events as unknown as ({ type: string; sequence_number: number } & Record<string, unknown>)[];
  expect(all.map(({ sequence_number }) => sequence_number)).toEqual(all.map((_, index) => index));
  expect(all.slice(0, 2).map(({ type }) => type)).toEqual(["response.created", "response.in_progress"]);
  const done: Item[] = [];
  const added = all.filter(({ type }) => type === "response.output_item.added");
  expect(added.map(({ output_index }) => output_index)).toEqual(added.map((_, index) => index));
  for (const event of added) {
    const item = event.item as Item;
    const index = event.output_index;
    const own = all.filter((each) => each.output_index === index);
    expect(own[0]).toBe(event);
    const last = own.at(-1);
    expect(last).toMatchObject({ type: "response.output_item.done", item: { id: item.id, type: item.type } });
    expect(own.slice(1, -1).map(({ item_id }) => item_id)).toEqual(own.slice(1, -1).map(() => item.id));
    expect(item.status).toBe("in_progress");
    const whole = last?.item as Item;
    const { delta, done: doneType, field } = written[item.type] ?? { delta: "", done: "", field: "" };
    const text = own.map((each) => (each.type === delta ? String(each.delta) : "")).join("");
    const textOf = (of: Item) => (of.type === "message" ? messageText(of) : of[field]);
    expect(textOf(item)).toBe("");
    expect(text).toBe(textOf(whole));
    expect(own.find(({ type }) => type === doneType)?.[field]).toBe(text);
    expect(whole.status).not.toBe("in_progress");
    done.push(whole);
  }
  expect(all.at(-1)).toMatchObject({ response: { output: done } });
  return done;
}

function messageText({ content }: Item): string {
  return (content as { text: string }[]).map(({ text }) => text).join("");
}

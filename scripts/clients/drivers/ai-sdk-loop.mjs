/** A turn of the AI SDK with a tool of its own, whole or streamed, over any of its providers. */
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { weather } from "./drive.mjs";

const { description, result } = weather;
const inputSchema = z.object({ city: z.string() });
const options = {
  tools: { weather: tool({ description, inputSchema, execute: async () => result }) },
  stopWhen: stepCountIs(5),
};

export async function whole(model, messages) {
  const { text, response } = await generateText({ model, messages, ...options });
  return { text, messages: response.messages };
}

export async function streamed(model, messages) {
  let failure;
  const run = streamText({ model, messages, ...options, onError: ({ error }) => (failure = error) });
  try {
    const text = await run.text;
    if (failure) throw failure;
    return { text, messages: (await run.response).messages };
  } catch (error) {
    throw failure ?? error;
  }
}

/** Responses that are written while they are made, so that a long conversation is never in memory as a whole. */

/**
 * Returns a response with this text. The next piece is made when the client has read the pieces before it. If the pieces fail after the
 * first one, the connection is closed, so that the client cannot take a part for the whole. Rejects if the first piece fails.
 */
export async function streamed(
  type: string,
  pieces: AsyncGenerator<string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<string>> | undefined = Promise.resolve(await pieces.next());
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await (next ?? pieces.next());
        next = undefined;
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    // No piece is made ahead. If making it failed while the client is slow, Hono would write the error's text as the end of the body.
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { "content-type": type, ...headers } });
}

/** Yields the text of a JSON object whose only field is this list. `parts` are parts of the list, in order. */
export async function* listText(name: string, parts: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  let before = `{${JSON.stringify(name)}:[`;
  for await (const items of parts) {
    if (items.length === 0) continue;
    yield before + items.map((item) => JSON.stringify(item)).join(",");
    before = ",";
  }
  yield before === "," ? "]}" : `${before}]}`;
}

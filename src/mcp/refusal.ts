/** An answer of "no" to a server's request, as the server gets it. */
export class Refusal extends Error {
  constructor(
    /** JSON-RPC's, MCP's, or -1: the specification's example for "the user said no". */
    readonly code: -32601 | -32602 | -32603 | -1,
    message: string,
  ) {
    super(message);
  }
}

export class Refusal extends Error {
  constructor(
    /** A code of JSON-RPC or MCP, or -1: the specification's example for a refusal by the user. */
    readonly code: -32601 | -32602 | -32603 | -1,
    message: string,
  ) {
    super(message);
  }
}

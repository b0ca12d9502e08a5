export class RpcRefusal extends Error {
  constructor(
    /** An error code of JSON-RPC or MCP. The specification uses -1 as its example for a refusal by the user. */
    readonly code: -32601 | -32602 | -32603 | -1,
    message: string,
  ) {
    super(message);
  }
}

/** A port on which nothing listens. */
const closed = "http://127.0.0.1:1/v1";

/** Environment variables that hide the model servers of the test machine from a host, so that it uses the demo model. */
export const noLocalModels = {
  MCP_PLATFORM_LLM__PROVIDERS__OLLAMA__BASE_URL: closed,
  MCP_PLATFORM_LLM__PROVIDERS__LMSTUDIO__BASE_URL: closed,
  MCP_PLATFORM_LLM__PROVIDERS__LLAMACPP__BASE_URL: closed,
};

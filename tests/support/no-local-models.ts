/** A port that nothing listens on. */
const closed = "http://127.0.0.1:1/v1";

/** Variables with which a host finds no model server of the machine that the tests run on, so that it takes the demo model. */
export const noLocalModels = {
  MCP_PLATFORM_LLM__PROVIDERS__OLLAMA__BASE_URL: closed,
  MCP_PLATFORM_LLM__PROVIDERS__LMSTUDIO__BASE_URL: closed,
  MCP_PLATFORM_LLM__PROVIDERS__LLAMACPP__BASE_URL: closed,
};

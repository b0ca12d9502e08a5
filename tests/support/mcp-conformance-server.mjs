/** The server that the official conformance suite's server scenarios expect, over stdio, with the official SDK. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import * as types from "@modelcontextprotocol/sdk/types.js";

const image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const sound = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
const embedded = (uri, text) => ({ type: "resource", resource: { uri, mimeType: "text/plain", text } });
const text = (words) => ({ type: "text", text: words });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const server = new Server(
  { name: "conformance", version: "1" },
  { capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {}, completions: {} } },
);

const elicit = async (message, requestedSchema) => {
  const result = await server.elicitInput({ message, requestedSchema: { type: "object", ...requestedSchema } });
  return [text(`Elicitation completed: action=${result.action}, content=${JSON.stringify(result.content ?? {})}`)];
};
const titled = (values) => values.map((value) => ({ const: value, title: `Title of ${value}` }));

const tools = {
  test_simple_text: () => [text("This is a simple text response for testing.")],
  test_image_content: () => [{ type: "image", data: image, mimeType: "image/png" }],
  test_audio_content: () => [{ type: "audio", data: sound, mimeType: "audio/wav" }],
  test_embedded_resource: () => [embedded("test://embedded-resource", "This is an embedded resource content.")],
  test_multiple_content_types: () => [
    text("Multiple content types test:"),
    { type: "image", data: image, mimeType: "image/png" },
    embedded("test://mixed-content-resource", '{"test":"data"}'),
  ],
  async test_tool_with_logging() {
    for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await server.sendLoggingMessage({ level: "info", data });
      await pause(50);
    }
    return [text("logged")];
  },
  async test_tool_with_progress(_args, extra) {
    const progressToken = extra._meta?.progressToken ?? 0;
    for (const progress of [0, 50, 100]) {
      await extra.sendNotification({
        method: "notifications/progress",
        params: { progressToken, progress, total: 100 },
      });
      await pause(50);
    }
    return [text(String(progressToken))];
  },
  test_error_handling() {
    throw new Error("This tool intentionally returns an error for testing");
  },
  test_elicitation: ({ message }) =>
    elicit(message ?? "who?", {
      properties: { username: { type: "string" }, email: { type: "string" } },
      required: ["username", "email"],
    }),
  test_elicitation_sep1034_defaults: () =>
    elicit("defaults?", {
      properties: {
        name: { type: "string", default: "John Doe" },
        age: { type: "integer", default: 30 },
        score: { type: "number", default: 95.5 },
        status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
        verified: { type: "boolean", default: true },
      },
      required: [],
    }),
  test_elicitation_sep1330_enums: () =>
    elicit("which?", {
      properties: {
        untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
        titledSingle: { type: "string", oneOf: titled(["value1", "value2", "value3"]) },
        legacyEnum: {
          type: "string",
          enum: ["opt1", "opt2", "opt3"],
          enumNames: ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
        titledMulti: { type: "array", items: { anyOf: titled(["value1", "value2", "value3"]) } },
      },
      required: [],
    }),
  async test_sampling({ prompt }) {
    const messages = [{ role: "user", content: text(prompt ?? "hi") }];
    const { content } = await server.createMessage({ messages, maxTokens: 100 });
    return [text(`LLM response: ${content.text}`)];
  },
  async test_reconnection() {
    await pause(100);
    return [text("Reconnection test completed")];
  },
  json_schema_2020_12_tool: () => [text("ok")],
};

const schemas = {
  json_schema_2020_12_tool: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: { address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
    properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
    additionalProperties: false,
  },
};

server.setRequestHandler(types.ListToolsRequestSchema, () => ({
  tools: Object.keys(tools).map((name) => ({
    name,
    description: `${name} for the suite`,
    inputSchema: schemas[name] ?? { type: "object", properties: {} },
  })),
}));
server.setRequestHandler(types.CallToolRequestSchema, async ({ params: { name, arguments: args = {} } }, extra) => {
  try {
    return { content: await tools[name](args, extra) };
  } catch (error) {
    return { content: [text(error.message)], isError: true };
  }
});

const resources = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: image },
  "test://watched-resource": { mimeType: "text/plain", text: "watched" },
};
server.setRequestHandler(types.ListResourcesRequestSchema, () => ({
  resources: Object.entries(resources).map(([uri, { mimeType }]) => ({ uri, name: uri, description: uri, mimeType })),
}));
server.setRequestHandler(types.ListResourceTemplatesRequestSchema, () => ({
  resourceTemplates: [{ uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" }],
}));
server.setRequestHandler(types.ReadResourceRequestSchema, ({ params: { uri } }) => {
  const id = /^test:\/\/template\/(.+)\/data$/.exec(uri)?.[1];
  const found = id
    ? { mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }
    : resources[uri];
  if (!found) throw new types.McpError(-32002, `no resource ${uri}`);
  return { contents: [{ uri, ...found }] };
});
server.setRequestHandler(types.SubscribeRequestSchema, ({ params: { uri } }) => {
  setImmediate(() => server.sendResourceUpdated({ uri }));
  return {};
});
server.setRequestHandler(types.UnsubscribeRequestSchema, () => ({}));

const said = (...content) => content.map((block) => ({ role: "user", content: block }));
const prompts = {
  test_simple_prompt: () => said(text("This is a simple prompt for testing.")),
  test_prompt_with_arguments: ({ arg1, arg2 }) => said(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  test_prompt_with_embedded_resource: ({ resourceUri }) =>
    said(embedded(resourceUri, "Embedded resource content for testing."), text("Please process it.")),
  test_prompt_with_image: () => said({ type: "image", data: image, mimeType: "image/png" }, text("Please look at it.")),
};
const parameters = {
  test_prompt_with_arguments: ["arg1", "arg2"],
  test_prompt_with_embedded_resource: ["resourceUri"],
};
server.setRequestHandler(types.ListPromptsRequestSchema, () => ({
  prompts: Object.keys(prompts).map((name) => ({
    name,
    description: `${name} for the suite`,
    arguments: (parameters[name] ?? []).map((parameter) => ({
      name: parameter,
      description: parameter,
      required: true,
    })),
  })),
}));
server.setRequestHandler(types.GetPromptRequestSchema, ({ params: { name, arguments: args = {} } }) => ({
  messages: prompts[name](args),
}));
server.setRequestHandler(types.CompleteRequestSchema, () => ({ completion: { values: ["paris", "park"], total: 2 } }));

await server.connect(new StdioServerTransport());

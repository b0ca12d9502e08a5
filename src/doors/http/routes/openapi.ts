import { messageSchemas } from "../../protocol/message-schema.js";
import type { ApiRoute } from "../shared/api.js";
import { schemaPath } from "../shared/api-schemas.js";

export function openApiDocument(routes: readonly ApiRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path: pattern, summary, body, answer, headers = {}, query = {} } of routes) {
    const path = pattern.replace("{+", "{"); // OpenAPI has no parameters with slashes
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const parameters = [
      ...names.map((name) => ({ name, in: "path", required: true, schema: text })),
      ...described("query", query),
      ...described("header", headers),
    ];
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        summary,
        ...(parameters.length > 0 ? { parameters } : {}),
        ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
        responses: {
          "2XX": { description: "done", ...contentOf(answer) },
          default: { $ref: "#/components/responses/Error" },
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "MCP-Platform", version },
    security: [{ token: [] }, { key: [] }],
    paths,
    components: {
      schemas: messageSchemas(schemaPath),
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        key: { type: "apiKey", in: "header", name: "x-api-key" },
      },
      responses: { Error: { description: "what is wrong", content: { "application/json": { schema: errorSchema } } } },
    },
  };
}

function contentOf(answer: ApiRoute["answer"]): object {
  return answer ? { content: { [answer.type]: { schema: answer.schema } } } : {};
}

const text = { type: "string" };

function described(where: "query" | "header", parameters: Record<string, string>): object[] {
  return Object.entries(parameters).map(([name, description]) => ({ name, in: where, description, schema: text }));
}

const errorSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["message", "type", "code"],
      properties: { message: text, type: text, code: text, param: { type: ["string", "null"] } },
    },
  },
};

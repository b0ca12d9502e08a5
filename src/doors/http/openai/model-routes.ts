/** The lists of models, in OpenAI's format, or in Anthropic's for its clients. */
import type { ChoosableModel } from "../../../core/messages.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { inJson, namedModels } from "../shared/api-schemas.js";
import { defaultModel, plainModel } from "../turns/common-options.js";

interface ModelOptions {
  /** Returns the models that callers may ask for in addition to the default model. */
  models: () => readonly string[];
  /** Models to which the servers' tools are not offered. */
  plainModels: readonly string[];
}

export function modelRoutes(parts: DoorParts, options: ModelOptions): ApiRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/models",
      summary: "Lists the models, in Anthropic's shape for a caller that sends anthropic-version",
      run: ({ header }) => {
        const ids = modelIds(parts, options);
        if (isForAnthropic(header)) return asAnthropic(parts, modelList(ids));
        return Response.json({ object: "list", data: ids.map(openAiModel) });
      },
    },
    {
      method: "GET",
      path: "/api/models",
      summary: "The models that a person can choose, which the providers are asked for, and what they cost",
      answer: inJson(namedModels),
      run: async () => {
        const { provider, model } = parts.resolveModel();
        const { models, problems } = await parts.choosableModels();
        return Response.json({ models: models.map((each) => shownModel(each, `${provider}/${model}`)), problems });
      },
    },
    {
      method: "GET",
      path: "/v1/models/{+id}",
      summary: "One of these models",
      run: ({ path, header }) => {
        const id = path("id");
        if (!modelIds(parts, options).includes(id))
          throw new ApiError(404, "model_not_found", `there is no model ${id}: /v1/models lists the models`, "model");
        return isForAnthropic(header) ? asAnthropic(parts, modelInfo(id)) : Response.json(openAiModel(id));
      },
    },
  ];
}

function modelIds(parts: DoorParts, { models, plainModels }: ModelOptions): string[] {
  const { provider, model } = parts.resolveModel();
  return [...new Set([defaultModel, plainModel, `${provider}/${model}`, ...models(), ...plainModels])];
}

function shownModel(
  { id, provider, model, contextWindow, price, takes = [] }: ChoosableModel,
  byDefault: string,
): object {
  const prices = { input_price: price?.input ?? null, output_price: price?.output ?? null };
  return { id, provider, model, context_window: contextWindow ?? null, ...prices, takes, is_default: id === byDefault };
}

function openAiModel(id: string): object {
  return { id, object: "model", created: 0, owned_by: id.split("/")[0] };
}

function isForAnthropic(header: ApiCall["header"]): boolean {
  return header("anthropic-version") !== undefined;
}

function asAnthropic({ newId }: DoorParts, body: object): Response {
  return Response.json(body, { headers: { "request-id": newId("req") } });
}

/**
 * Returns the models in Anthropic's format. All models are on one page.
 * https://docs.claude.com/en/api/models-list
 */
function modelList(ids: readonly string[]): object {
  return { data: ids.map(modelInfo), has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
}

/** Returns a model in Anthropic's format. The creation time of a model is unknown, so the epoch is returned. */
function modelInfo(id: string): object {
  return { type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" };
}

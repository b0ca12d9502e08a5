import { isTooLarge, pictureTypes } from "./pictures.js";
import { type Json, Refusal } from "./refusal.js";
import { bracketPath, firstFault, kindOf, type Shape } from "./shape.js";

/** Refuses a field that is unknown, missing or of another type, in the words of OpenAI's two wires. */
export function checkOpenAiForm(body: Json, shape: Shape): void {
  const found = firstFault(body, shape);
  if (!found) return;
  const path = bracketPath(found.path);
  if (found.fault === "type") throw invalidType(path, kindNames[found.expected ?? "object"], found.value);
  if (found.fault === "missing" || (found.fault === "tag" && found.value === "")) throw missing(path);
  if (found.fault === "tag") throw invalidValue(path, found.value);
  throw new Refusal(`Unknown parameter: '${path}'.`, { code: "unknown_parameter", param: path });
}

const kindNames = {
  string: "a string",
  number: "a number",
  boolean: "a boolean",
  list: "an array",
  object: "an object",
  null: "null",
};

export const missing = (param: string): Refusal =>
  new Refusal(`Missing required parameter: '${param}'.`, { code: "missing_required_parameter", param });
export const invalidType = (param: string, expected: string, value: unknown) =>
  new Refusal(`Invalid type for '${param}': expected ${expected}, but got ${kindNames[kindOf(value)]} instead.`, {
    code: "invalid_type",
    param,
  });
export const invalidValue = (param: string, value: unknown, supported?: string) =>
  new Refusal(`Invalid value: '${value}'.${supported ? ` Supported values are: ${supported}.` : ""}`, {
    code: "invalid_value",
    param,
  });

export const tooLong = (param: string, value: string, maximum: number) =>
  new Refusal(
    `Invalid '${param}': string too long. Expected a string with maximum length ${maximum}, but got a string with length ${value.length} instead.`,
    { code: "string_above_max_length", param },
  );

/** Refuses a picture of another type than the four that OpenAI accepts, and one that is too large. `param`: where its URL is. */
export function checkPicture(url: string, param: string): void {
  const [, type = "", data = ""] = /^data:([^;,]*);base64,(.*)$/s.exec(url) ?? [];
  if (type && !pictureTypes.includes(type))
    throw new Refusal(
      `Invalid '${param}'. Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got unsupported MIME type '${type}'.`,
      { code: "invalid_value", param },
    );
  if (isTooLarge(data))
    throw new Refusal("Invalid image: image dimensions exceed the maximum allowed size.", {
      code: "invalid_image_format",
    });
}

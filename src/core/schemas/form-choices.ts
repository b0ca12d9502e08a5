import { asArray, asObject, asObjects, asText, type JsonObject } from "../json.js";

export interface FormChoice {
  /** The value as the server gets it. */
  value: unknown;
  /** The value as a person enters it. */
  text: string;
  title: string;
}

/**
 * Reads the choices of a field from `enum`, with `enumNames` as their titles, or from titled constants in `oneOf` or `anyOf`. A list has its
 * choices in `items`. Returns an empty list for a field without choices.
 */
export function formChoices({ enum: values, enumNames, oneOf, anyOf, items }: JsonObject): FormChoice[] {
  if (items !== undefined) return formChoices(asObject(items) ?? {});
  const names = asArray(enumNames);
  if (values !== undefined) return asArray(values).map((value, index) => choiceOf(value, names[index]));
  const constants = asObjects(oneOf ?? anyOf).filter((each) => "const" in each);
  return constants.map((each) => choiceOf(each.const, each.title));
}

function choiceOf(value: unknown, title: unknown): FormChoice {
  return { value, text: String(value), title: asText(title) ?? String(value) };
}

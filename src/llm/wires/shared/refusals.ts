import type { ProviderError } from "./provider-error.js";

/** Joins the texts of a refusal. The parameter comes first, because the message may also name another parameter as its replacement. */
export function refusalText({ param, message, code }: ProviderError): string {
  return `${param} ${message} ${code}`;
}

/** Matches refusals that are about the definition of a tool. */
export const aboutTools =
  /schema|grammar|\$ref|\$defs|function_?declaration|function_?parameters|\bfunctions?\b\W.{0,80}\bparameters\b|\btools?\b\W{1,6}\d/i;

/**
 * Matches refusals of too many pictures, such as "At most 8 image(s) may be provided". Does not match limits of size, nor a limit of 0, which means
 * that the model takes no pictures.
 */
export const aboutNumber =
  /^(?!.*\b(at most|up to|max\w*( of| is)?) 0\b).*(\btoo (many|much)\b|many-image requests|\b(at most|up to|max(imum)?( of| is)?) [1-9]\d*\b(?! ?([kmg]i?b|bytes|pixels|px|tokens)\b))/is;

/**
 * Matches refusals of the address of a picture, such as "URL sources are not supported" and "Error while downloading". Does not match a `url` that
 * ends a path, since data stand there too.
 */
export const aboutAddresses = /(?<!\.)\burls?\b|download|fetch/i;

/**
 * Matches refusals that may be about one wrong picture or recording, as opposed to all of them. The last alternatives match "Could not
 * process image" (Anthropic) and "Unable to process input image" (Gemini), but not "cannot process images".
 */
const aboutOneFile =
  /format|mime|media.?type|size|large|dimension|base64|decode|valid image|corrupt|could not be (process|read)|(could not|cannot|unable to|failed to) (process|read|load|parse) (\w+ ){0,2}(image|audio|file)\b(?! (in|con)\w)/i;

/** Matches refusals that are about some pictures or recordings, as opposed to all of them. */
export const aboutSomeFiles = new RegExp(`${aboutOneFile.source}|${aboutAddresses.source}|${aboutNumber.source}`, "is");

/** Matches refusals that mention pictures, sound or PDFs. */
export const aboutMedia = new RegExp(
  `image|picture|photo|audio|\\bpdf|document|inline_?data|media|mime.?type|base64|${aboutAddresses.source}`,
  "i",
);

/**
 * Returns the tool that the refusal names. Looks for a name in quotes, then for the tool's position among the tools sent, then for any word
 * that is a tool's name.
 */
export function toolNamedIn(text: string, names: readonly string[]): string | undefined {
  // A name in quotes is more reliable than a position: if a message of the conversation holds the refused tools, the position is relative
  // to that message (`input[4].tools[0]`).
  const quoted = /\b(?:function|tool) ['"`]([\w-]+)['"`]/i.exec(text)?.[1];
  if (quoted !== undefined && names.includes(quoted)) return quoted;
  // Gemini puts all functions into one tool: `tools[0].function_declarations[34]`.
  const found = /function_?declarations?\W{1,2}(\d+)/i.exec(text) ?? /\btools?\b\W{1,6}(\d+)\b/i.exec(text);
  const byNumber = found && names[Number(found[1])];
  if (byNumber) return byNumber;
  const words = new Set(names);
  return text.match(/[\w-]+/g)?.find((word) => words.has(word));
}

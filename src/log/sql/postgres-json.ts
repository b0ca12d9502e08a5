/**
 * Returns SQL that converts a text with JSON to the type `json`. PostgreSQL rejects the escapes of NUL and of lone surrogates, although
 * they are valid JSON. The SQL replaces them by U+FFFD. The replacement changes nothing that users see.
 */
export const jsonOf = (text: string) =>
  String.raw`regexp_replace(${text}, '\\u(0000|d[89a-f][0-9a-f]{2})', '\\ufffd', 'g')::json`;
